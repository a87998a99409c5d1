"""The second run of a loop of the user's own: as it was up to the fault, then eager and recorded.

Up to the compiled call in which the event before the fault was, everything runs as in the first run. From there on
functions are run operation by operation, and from that event on a recorder is awake, until the loss or the gradients
are found not finite again. If the event passes healthy, the ones that follow are recorded in turn.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

import tensorflow as tf

from nandoctor.findings import Location
from nandoctor.frameworks.reading import LoopReading
from nandoctor.frameworks.rendezvous import TURN, Rendezvous
from nandoctor.frameworks.tensorflow.finite import dense
from nandoctor.frameworks.tensorflow.loops import as_variable
from nandoctor.frameworks.tensorflow.recorder import Recorder, recording
from nandoctor.trace.graph import Trace
from nandoctor.trace.locations import here
from nandoctor.trace.recurrence import Recurrence, growing_recurrence

BEYOND = 40
"""Events past the rendezvous that are recorded in turn, where the fault does not come back at once."""

_TOLERANCE = 0.02
"""How far losses of equal steps may lie apart: the last of them are computed operation by operation."""

_WHY = "the script draws on something that no seed fixes (the time, a file, the system's randomness, threads)"

Marks = Callable[[Recorder], contextlib.AbstractContextManager[None]]


class LoopTracer:
    """Follows the second run. `found` is called with the trace, and whether the fault came back; it may not return."""

    def __init__(
        self,
        rendezvous: Rendezvous,
        found: Callable[[Trace, LoopReading | None], None],
        known: Callable[[], Mapping[str, Sequence[Any]]],
        marks: Marks,
        progress: Callable[[int], None],
        stop: CodeType | None = None,
    ) -> None:
        self._rendezvous = rendezvous
        self._found = found
        self._known = known
        self._marks = marks
        self._progress = progress
        self._stop = stop
        self._recorder: Recorder | None = None
        self._open = contextlib.ExitStack()
        self._events = 0
        self._losses: dict[int, float] = {}
        self._updates = False
        self.roles: dict[int, str] = {}
        """By id of the variable, as far as gradients were taken of it: `weight dense/kernel`."""
        self.loop: Location | None = None
        """The user's call of the compiled function that is running."""
        self._bad_update = False
        self._early = False
        self.recurrence_before: Recurrence | None = None
        """A state that grew along the time steps of the turn before the one that was recorded."""
        self.met = False
        """Whether the fault came back."""

    # -- the loop, as it goes -------------------------------------------------------------------

    def call_begins(self, events: Callable[[], int], function: Any = None) -> None:
        passed = events()
        if passed >= self._rendezvous.eager_from and not tf.config.functions_run_eagerly():
            tf.config.run_functions_eagerly(True)
        self.loop = here(3) if function is not None else None
        if passed >= self._rendezvous.previous and self._sleeps:
            self._wake()
        elif passed >= self._first and self._recorder is None and tf.config.functions_run_eagerly():
            self._wake(early=True)

    @property
    def _first(self) -> int:
        """The event after which the turn before begins: the update that spoilt weights may follow what drove it."""
        turn = self._rendezvous.event - self._rendezvous.previous
        return self._rendezvous.previous - turn if turn <= TURN else self._rendezvous.previous

    @property
    def _sleeps(self) -> bool:
        """Whether the turn of the fault is not being recorded."""
        return self._recorder is None or self._early

    @contextlib.contextmanager
    def differentiating(self, targets: Sequence[Any]) -> Iterator[None]:
        recorder = self._recorder
        if recorder is None:
            yield
            return
        recorder.trace.loss = [recorder.value(t) for t in targets if _is_eager(t)]
        recorder.gradient_frames, before = recorder.height(), recorder.gradient_frames
        recorder.in_gradient += 1
        try:
            yield
        finally:
            recorder.in_gradient -= 1
            recorder.gradient_frames = before
            recorder.differentiated = True

    def differentiated(self, gradients: Sequence[tuple[Any, Any]], state: Sequence[Any]) -> None:
        if self._recorder is not None:
            self._recorder.trace.gradients = self._named(self._recorder, gradients)
            for variable in state:
                self._recorder.rename_variable(self._role(variable, "state"), variable)

    @contextlib.contextmanager
    def updating(self, gradients: Sequence[tuple[Any, Any]]) -> Iterator[None]:
        recorder = self._recorder
        if recorder is None or not tf.executing_eagerly():
            yield
            return
        self._updates = True
        recorder.trace.gradients = self._named(recorder, gradients)
        self._bad_update = any(value.bad for _, value in recorder.trace.gradients)
        recorder.updating, before = True, recorder.updating
        try:
            with recorder.scope("optimizer", None):
                yield
        finally:
            recorder.updating = before
        if self._bad_update:
            self.met = True
            self._finish(None)
        elif self._turn_is_over:
            self._wake()

    def look(self, reading: LoopReading, before: Sequence[LoopReading] = ()) -> None:
        self._events = int(reading.events)
        self._losses.update((int(r.events), r.loss) for r in (*before, reading))
        self._progress(self._events)
        bad_loss = self._recorder is not None and (
            (reading.faulty and int(reading.kind) != 2) or self._is_suspect_again(reading)
        )
        self.met = self.met or bad_loss
        if bad_loss or self._events >= self._rendezvous.event + BEYOND:
            self._finish(reading)
        elif (self._sleeps and self._awake) or (
            self._turn_is_over and not self._updates and self._events > self._rendezvous.event
        ):
            self._wake()

    def _is_suspect_again(self, reading: LoopReading) -> bool:
        """What the first run found to be a fault in the end shows here as it begins."""
        return self._rendezvous.surface == "loss" and reading.suspect == reading.events >= self._rendezvous.event

    @property
    def _awake(self) -> bool:
        return tf.config.functions_run_eagerly() and self._events >= self._rendezvous.previous

    @property
    def _turn_is_over(self) -> bool:
        """Past the rendezvous, a loop with several gradients in a turn is recorded a whole turn at a time."""
        past = self._events - self._rendezvous.event
        turn = self._rendezvous.event - self._rendezvous.previous
        return self._recorder is not None and past >= 0 and past % max(turn, 1) == 0

    def ended(self) -> None:
        """The script has ended."""
        self._finish(None)

    @property
    def arrived(self) -> bool:
        """Whether this run has come as far as the fault of the first."""
        return self._events >= self._rendezvous.event - (self._rendezvous.surface == "weights")

    def difference(self) -> str | None:
        """How this run went another way than the first, in words; None where it did not."""
        for event, first in self._rendezvous.losses:
            again = self._losses.get(event)
            if again is None or event >= self._rendezvous.event:
                continue
            if not math.isclose(first, again, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                losses = f"the loss of gradient {event:,} was {first:.6g} first and {again:.6g} then"
                return f"the two runs differ: {losses}; {_WHY}"
        if self.met and self._events != self._rendezvous.event and self._rendezvous.surface != "weights":
            return f"the second run was not finite at another step than the first; {_WHY}"
        return None

    # -- the recorder ---------------------------------------------------------------------------

    def _wake(self, *, early: bool = False) -> None:
        """Begin a new recording; what was recorded before it was healthy."""
        self._open.close()
        if self._early and self._recorder is not None:
            self.recurrence_before = growing_recurrence(self._recorder.trace)
        self._early = early
        self._recorder = Recorder(stop=self._stop)
        self._recorder.differentiated = self._rendezvous.previous > 0  # what follows a gradient is its update
        for family, variables in self._known().items():
            for variable in variables:
                self._recorder.name_variable(self._role(variable, family), as_variable(variable))
        self._open.enter_context(self._marks(self._recorder))
        self._open.enter_context(recording(self._recorder))

    def _named(self, recorder: Recorder, gradients: Sequence[tuple[Any, Any]]) -> list[tuple[str, Any]]:
        named = []
        for variable, gradient in gradients:
            tensor = dense(gradient)
            if not _is_eager(tensor):
                continue
            known = as_variable(variable)
            name = "a tensor"  # that the tape was told to watch
            if isinstance(known, tf.Variable):
                role = self._role(variable)
                recorder.rename_variable(role, known)
                name = role.removeprefix("weight ")
            named.append((name, recorder.value(tensor)))
        return named

    def _role(self, variable: Any, family: str = "weight") -> str:
        """`weight dense/kernel`, `state norm/mean`; a bare `tf.Variable` without a name of its own gets a number."""
        key = id(as_variable(variable))
        if key not in self.roles:
            name = str(getattr(variable, "path", None) or getattr(variable, "name", "a tensor")).split(":")[0]
            taken = set(self.roles.values())
            names = (f"{family} {name}", *(f"{family} {name}#{n}" for n in range(2, len(taken) + 2)))
            self.roles[key] = next(role for role in names if role not in taken)
        return self.roles[key]

    def _finish(self, reading: LoopReading | None) -> None:
        recorder, self._recorder = self._recorder, None
        self._open.close()
        tf.config.run_functions_eagerly(False)
        if recorder is None:
            self._found(Trace(), reading)
            return
        recorder.mark_written()
        self._found(recorder.trace, reading)


def _is_eager(tensor: Any) -> bool:
    return isinstance(tensor, tf.Tensor) and not tf.is_symbolic_tensor(tensor)
