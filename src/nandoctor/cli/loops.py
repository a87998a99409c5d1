"""Loops of the user's own under `nandoctor run`: watched in the first run of a script, explained by a second one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nandoctor import __version__, doctor
from nandoctor.cli.loop_hooks import hooks
from nandoctor.cli.progress import begin, clear, progress
from nandoctor.cli.randomness import Chance
from nandoctor.cli.second_run import SecondRun, SecondRunError, noted
from nandoctor.findings import Result
from nandoctor.frameworks.rendezvous import Rendezvous
from nandoctor.report.words import INTERRUPTED, left_out, relative, skipped
from nandoctor.trace.locations import iterated, locate
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.loop import LoopWatch, Readout

PATIENCE = 600.0
"""Seconds into a run up to which it is run again for a number that may be no more than a metric."""


class LoopSession:
    """The loops of one run. `stop` is raised to end the script when a fault has been explained."""

    def __init__(
        self,
        script: str,
        chance: Chance,
        second: SecondRun | None,
        stop: Callable[[], BaseException],
        on_steps: Callable[[], None],
        floating_point: Callable[[], tuple[FloatingPointNote, ...]],
    ) -> None:
        self.result: Result | None = None
        self.page: str | None = None
        self._script = script
        self._chance = chance
        self._second = second
        self._stop = stop
        self._watch = LoopWatch(self._fault, lambda _: on_steps(), floating_point)
        self._notes: list[str] = []
        self._loops: Any = None

    @property
    def steps(self) -> int:
        """Gradients taken so far."""
        return self._watch.events

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user may want to know of a healthy run."""
        reading = None if self._loops is None else self._loops.reading
        if reading is None:
            return ()
        of_losses = [left_out(int(reading.bad_losses))] if reading.bad_losses else []
        of_scaler = [skipped(int(reading.skips), self.steps)] if reading.skips else []
        return (*of_losses, *of_scaler, *self._notes)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, the loops of the script are watched as soon as it has imported TensorFlow."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._chance.given())
            stack.enter_context(hooks(lambda: self._watch, self._chance, stack, self._keep))
            yield

    def _keep(self, loops: Any) -> None:
        self._loops = loops

    def ended(self, *, by_itself: bool) -> None:
        """The script has ended; one update has not been judged yet, and no validation (none is after an error)."""
        if self._loops is None or self.result is not None:
            return
        self._watch.ended(lambda: _all_finite(self._loops.variables), self._loops.reading)
        if not by_itself:
            return
        if (empty := self._watch.empty_pass()) is not None:
            place = iterated(empty.frames[0])
            self.result = doctor.examine_validation(self.steps, 0, 0, place, command="run", loop=True)
        for readout in self._watch.readouts:
            if self.result is None:
                self._judge(readout)

    def _judge(self, readout: Readout) -> None:
        """Find out whether a number that the script read is its loss on other data, and if so, why it is not finite."""
        place, step = locate(readout.frames[0]), int(readout.reading.step)
        where = f"{relative(place.file)}:{place.line}"
        what = f"{where}: a number read there was {readout.value} after step {step:,}"
        if readout.seconds > PATIENCE:
            self._notes.append(f"{what}; to see why would take {readout.seconds / 60:.0f} minutes, and was left.")
            return
        print(f"\nnandoctor: a number read at {where} is {readout.value}; is it the loss?", file=sys.stderr)
        found = self._explained(self._watch.rendezvous_with(readout))
        if found.status == "fault" and found.diagnoses:
            self.result = found
        else:
            self._notes.append(f"{what}; {'; '.join(found.notes)}.")

    def _fault(self, rendezvous: Rendezvous) -> None:
        known = {"loss": "the loss is", "gradient": "the gradient is", "state": "a statistic is"}
        what = known.get(rendezvous.surface, "the weights are")
        print(f"\nnandoctor: {what} not finite at step {rendezvous.step:,}; finding out why ...", file=sys.stderr)
        self.result = self._explained(rendezvous)
        raise self._stop()

    def _explained(self, rendezvous: Rendezvous) -> Result:
        steps = rendezvous.step - (rendezvous.surface not in ("weights", "validation"))
        unexplained = Result(command="run", status="fault", version=__version__, script=self._script, steps=steps)
        if self._second is None:
            return noted(unexplained, "no second run of the script is possible on this system")
        try:
            print("nandoctor: running the script again, silently, up to that step ...", file=sys.stderr, flush=True)
            finding = self._second.meet(rendezvous, progress(rendezvous.event), begin)
            self.page = finding.page
            return finding.result
        except SecondRunError as error:
            return noted(unexplained, f"the second run of the script failed: {error}")
        except KeyboardInterrupt:
            return noted(unexplained, INTERRUPTED)
        finally:
            clear()


def _all_finite(variables: Sequence[Any]) -> bool:
    arrays = (np.asarray(v.numpy()) for v in variables if getattr(v, "trainable", False))
    return all(np.isfinite(a.astype(np.float32)).all() for a in arrays if a.dtype.kind not in "iubOSU")
