"""Loops of the user's own under `nandoctor run`: watched in the first run of a script, explained by a second one."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from nandoctor import __version__, doctor
from nandoctor.causes.case import Trial
from nandoctor.cli.randomness import Chance
from nandoctor.cli.second_run import Finding, SecondRun, SecondRunError
from nandoctor.diagnose.growth import loop_experiments
from nandoctor.findings import Result
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.protocol import Batch
from nandoctor.frameworks.reading import LoopReading
from nandoctor.frameworks.recognise import keras_backend
from nandoctor.frameworks.recorded import RecordedStep
from nandoctor.frameworks.rendezvous import Rendezvous
from nandoctor.record import record_of
from nandoctor.report.words import PAGE
from nandoctor.trace.graph import Trace
from nandoctor.trace.leaves import feeding_place, name_leaves, updating_place
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.floating_point import FloatingPointLog, listening
from nandoctor.watch.loop import Experiment, LoopListener, LoopWatch
from nandoctor.watch.store import write_capsule


class LoopSession:
    """The loops of one run. `stop` is raised to end the script when a fault has been explained."""

    def __init__(
        self,
        script: str,
        chance: Chance,
        second: SecondRun | None,
        stop: Callable[[], BaseException],
        on_steps: Callable[[], None],
    ) -> None:
        self.result: Result | None = None
        self.page: str | None = None
        self._script = script
        self._chance = chance
        self._second = second
        self._stop = stop
        self._watch = LoopWatch(self._fault, lambda _: on_steps())
        self._loops: Any = None

    @property
    def steps(self) -> int:
        """Gradients taken so far."""
        return self._watch.events

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, the loops of the script are watched as soon as it has imported TensorFlow."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._chance.given())
            stack.enter_context(hooks(lambda: self._watch, self._chance, stack, self._keep))
            yield

    def _keep(self, loops: Any) -> None:
        self._loops = loops

    def ended(self) -> None:
        """The script has ended by itself; one update has not been judged yet."""
        if self._loops is not None and self.result is None:
            self._watch.ended(lambda: _all_finite(self._loops.variables), self._loops.reading)

    def _fault(self, rendezvous: Rendezvous) -> None:
        what = {"loss": "the loss is", "gradient": "the gradient is"}.get(rendezvous.surface, "the weights are")
        print(f"\nnandoctor: {what} not finite at step {rendezvous.step:,}; finding out why ...", file=sys.stderr)
        self.result = self._explained(rendezvous)
        raise self._stop()

    def _explained(self, rendezvous: Rendezvous) -> Result:
        steps = rendezvous.step - (rendezvous.surface != "weights")
        unexplained = Result(command="run", status="fault", version=__version__, script=self._script, steps=steps)
        if self._second is None:
            return _noted(unexplained, "no second run of the script is possible on this system")
        try:
            trials = self._trials(rendezvous, self._second)
            print("nandoctor: running the script again, silently, up to that step ...", file=sys.stderr, flush=True)
            finding = self._second.meet(rendezvous, trials, _progress(rendezvous.event))
            self.page = finding.page
            return finding.result
        except SecondRunError as error:
            return _noted(unexplained, f"the second run of the script failed: {error}")
        finally:
            _clear_progress()

    def _trials(self, rendezvous: Rendezvous, second: SecondRun) -> tuple[Trial, ...]:
        """Where the loop grew into its fault: does it stay finite with the inputs standardised, or a lower rate?"""
        trials: list[Trial] = []
        began = time.perf_counter()
        for experiment in loop_experiments(rendezvous.history, rendezvous.event):
            if time.perf_counter() - began > SECONDS:
                break
            print(f"nandoctor: running the script with {experiment.name} ...", file=sys.stderr, flush=True)
            with contextlib.suppress(SecondRunError):  # the script may not run with it: then it tells nothing
                trials.append(Trial(experiment.name, tuple(second.losses(experiment, _progress(experiment.until)))))
            if trials and trials[-1].settles:
                break
        return tuple(trials)


SECONDS = 60.0
"""Wall time after which no further experiment is begun; each is a run of the script."""


def _all_finite(variables: Sequence[Any]) -> bool:
    arrays = (np.asarray(v.numpy()) for v in variables if getattr(v, "trainable", False))
    return all(np.isfinite(a.astype(np.float32)).all() for a in arrays if a.dtype.kind not in "iubOSU")


def _noted(result: Result, note: str, verdict: Literal["not-reproduced", "not-replayed"] = "not-replayed") -> Result:
    return msgspec.structs.replace(result, notes=(*result.notes, note), verdict=verdict)


def _progress(last: int) -> Callable[[int], None]:
    def show(events: int) -> None:
        if sys.stderr.isatty():
            print(f"\r  step {min(events, last):,} of {last:,} ", end="", file=sys.stderr, flush=True)

    return show


def _clear_progress() -> None:
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def hooks(
    follower: Callable[[], Any],
    chance: Chance,
    stack: contextlib.ExitStack,
    keep: Callable[[Any], None],
    *,
    strict: bool = False,
) -> Iterator[None]:
    """The watch goes in as the frameworks are imported; `strict`: an error of its own is not to be passed over."""
    made: list[Any] = []
    optimizers: list[Any] = []

    def tensorflow() -> None:
        from nandoctor.frameworks.tensorflow.loops import Loops

        made.append(stack.enter_context(Loops(follower(), strict=strict).watching(chance.seed)))
        keep(made[0])
        keras()

    def keras() -> None:
        """Keras may be imported while TensorFlow is, or after it."""
        if not made or optimizers or keras_backend() != "tensorflow":
            return
        from nandoctor.frameworks.keras.loop_hooks import watching_optimizers

        optimizers.append(stack.enter_context(watching_optimizers(made[0])))

    with when_imported("tensorflow", tensorflow), when_imported("keras", keras):
        yield


def explain_again(
    rendezvous: Rendezvous,
    trials: tuple[Trial, ...],
    progress: Callable[[int], None],
    *,
    script: str,
    run: Callable[[], object],
    stop: Callable[[], BaseException],
    chance: Chance,
    out: Path | None,
    keep_batch: bool,
) -> Finding:
    """Run the script once more, with the tracer awake where the first run met its fault."""
    log = FloatingPointLog()
    found: list[Finding] = []
    kept: list[Any] = []

    def explain(trace: Trace, reading: LoopReading | None) -> None:
        if not found:
            capsule, step = _capsule(rendezvous, trials, trace, log, tracers[0].loop, kept[0].optimizer)
            result = doctor.examine_trace(capsule, trace, step, command="run", script=script)
            differs = tracers[0].difference()
            if differs is not None:
                result = _noted(result, differs, verdict="not-reproduced")
            files = record_of(capsule, keep_batch=keep_batch).files(result)
            if out is not None:
                result = write_capsule(capsule, result, out, keep_batch=keep_batch, extra=files)
            found.append(Finding(result, files[PAGE].decode() if files else None))
        raise stop()

    tracers: list[Any] = []

    def tracer() -> Any:
        from nandoctor.frameworks.tensorflow.second_run import LoopTracer

        tracers.append(LoopTracer(rendezvous, explain, lambda: kept[0].variables, _marks, progress))
        return tracers[0]

    with contextlib.ExitStack() as stack:
        stack.enter_context(chance.given())
        stack.enter_context(hooks(tracer, chance, stack, kept.append, strict=True))
        stack.enter_context(when_imported("keras", lambda: _note_sites(stack)))
        stack.enter_context(listening(log))
        ended = run()
        if not found and (error := getattr(ended, "error", None)) is not None:
            raise SecondRunError(f"it ended with {type(error).__name__}: {error}")
        if not found and tracers and tracers[0].arrived:
            with contextlib.suppress(type(stop())):
                tracers[0].ended()
    if not found:
        raise SecondRunError("the script did not reach that step again")
    return found[0]


def losses_again(
    experiment: Experiment,
    progress: Callable[[int], None],
    *,
    run: Callable[[], object],
    stop: Callable[[], BaseException],
    chance: Chance,
) -> list[float]:
    """Run the script once more with something changed; the losses of its steps until one is not finite."""
    losses: list[float] = []

    def look(reading: LoopReading) -> None:
        progress(int(reading.events))
        losses.append(reading.loss)
        if reading.faulty or reading.events >= experiment.until:
            raise stop()

    with contextlib.ExitStack() as stack:
        stack.enter_context(chance.given())
        slow = experiment.learning_rate

        def slowed(loops: Any) -> None:
            if slow != 1.0:
                stack.enter_context(loops.slowed(slow))

        stack.enter_context(hooks(lambda: LoopListener(look), chance, stack, slowed))
        stack.enter_context(when_imported("keras", lambda: _change(experiment, stack)))
        run()
    return losses


def _change(experiment: Experiment, stack: contextlib.ExitStack) -> None:
    from nandoctor.frameworks.keras.loop_hooks import changing

    stack.enter_context(changing(experiment.learning_rate, standardise=experiment.standardise_inputs))


def _note_sites(stack: contextlib.ExitStack) -> None:
    from nandoctor.frameworks.keras import sites

    stack.enter_context(sites.noting())


def _marks(recorder: Any) -> contextlib.AbstractContextManager[None]:
    if "keras" not in sys.modules:
        return contextlib.nullcontext()
    from nandoctor.frameworks.keras.recording import marking_layers

    return marking_layers(recorder)


def _capsule(
    rendezvous: Rendezvous,
    trials: tuple[Trial, ...],
    trace: Trace,
    log: FloatingPointLog,
    loop: Any,
    optimizer: Any,
) -> tuple[Capsule, RecordedStep]:
    arrays = name_leaves(trace)
    made_at, loop = None, loop or feeding_place(trace)
    if optimizer is not None:
        from nandoctor.frameworks.keras.sites import made_at as site_of

        made_at = site_of(optimizer)
    made_at = made_at or updating_place(trace)
    step = RecordedStep(trace)
    capsule = Capsule(
        step=rendezvous.step,
        epoch=0,
        batch_index=rendezvous.step - 1,
        surface=rendezvous.surface,
        batch=Batch(None, lambda _: arrays),
        recent=(),
        trials=trials,
        state=step.state(),
        snapshots=(),
        history=rendezvous.history,
        notes=log.notes,
        fit_location=loop,
        optimizer_location=made_at,
        loop=True,
    )
    return capsule, step
