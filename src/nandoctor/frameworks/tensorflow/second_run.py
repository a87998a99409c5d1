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
from nandoctor.trace.locations import Frame, here
from nandoctor.trace.recurrence import Recurrence, growing_recurrence

BEYOND = 40
"""Events past the rendezvous that are recorded in turn, where the fault does not come back at once."""

_TOLERANCE, _TOLERANCE_HALF = 0.02, 0.1
"""How far losses of equal steps may lie apart: the last of them are computed operation by operation."""

_WHY_EAGER = "its last steps are not compiled, and random numbers in a compiled function are others"

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
        self._has_optimizer = rendezvous.updates
        self._half = False
        self.roles: dict[int, str] = {}
        """By id of the variable, as far as gradients were taken of it: `weight dense/kernel`."""
        self.loop: Location | None = None
        """The user's call of the compiled function that is running, or ran last."""
        self.loop_after = 0
        """How many events there were before it."""
        self._pending: tuple[list[Any], list[Any]] | None = None
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
        self.loop, self.loop_after = here(3) if function is not None else None, passed
        if passed >= self._rendezvous.previous and self._sleeps:
            self._wake(amid_update=not self._has_optimizer)
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
    def updating(self, gradients: Sequence[tuple[Any, Any]], *, scaled: bool = False) -> Iterator[None]:
        recorder = self._recorder
        self._has_optimizer = True
        if recorder is None or not tf.executing_eagerly():
            yield
            return
        self._updates = True
        recorder.trace.gradients = self._named(recorder, gradients)
        is_told = not scaled or (self._rendezvous.surface == "gradient" and self._events == self._rendezvous.event)
        self._bad_update = is_told and any(value.bad for _, value in recorder.trace.gradients)
        recorder.updating, before = True, recorder.updating
        try:
            with recorder.scope("optimizer", None):
                yield
        finally:
            recorder.updating, recorder.differentiated = before, False
        if self._bad_update:
            self.met = True
            self._finish(None)
        elif self._turn_is_over:
            self._wake(amid_update=False)

    def look(self, reading: LoopReading, before: Sequence[LoopReading] = ()) -> None:
        self._events = int(reading.events)
        self._losses.update((int(r.events), r.loss) for r in (*before, reading))
        self._progress(self._events)
        bad_loss = self._recorder is not None and (
            (reading.faulty and int(reading.kind) != 2) or self._is_suspect_again(reading)
        )
        bad = bad_loss or self._meets_bad_gradient()
        self.met = self.met or bad
        if bad or self._events >= self._rendezvous.event + BEYOND:
            self._finish(reading)
        elif (self._sleeps and self._awake) or (
            self._turn_is_over and not self._updates and self._events > self._rendezvous.event
        ):
            self._wake()

    def read(self, tensor: Any, value: float, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        place = self._rendezvous.read
        there = place is not None and place.is_at(frames[0]) and reading.events >= self._rendezvous.event
        if self._recorder is None or not there:
            return
        trace = self._recorder.trace
        trace.objectives, trace.loss, trace.gradients = trace.loss, [self._recorder.value(tensor)], []
        self.met = True
        self._finish(reading)

    def exhausted(self, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        """The first run has told of it."""

    def _is_suspect_again(self, reading: LoopReading) -> bool:
        """What the first run found to be a fault in the end shows here as it begins."""
        return self._rendezvous.surface == "loss" and reading.suspect == reading.events >= self._rendezvous.event

    def _meets_bad_gradient(self) -> bool:
        """The tape's own. What an optimizer is given is looked at there, after all that the loop does with it; where it
        is given nothing before the next event, the gradients were added up."""
        past = self._events - self._rendezvous.event
        if self._recorder is None or self._rendezvous.surface != "gradient" or past < 0:
            return False
        trace = self._recorder.trace
        if past > 0 and self._pending is not None:
            trace.loss, trace.gradients = self._pending
            return True
        bad = any(value.bad for _, value in trace.gradients)
        if self._has_optimizer:
            self._pending = (trace.loss, trace.gradients) if bad and past == 0 else None
            return False
        return bad

    @property
    def _awake(self) -> bool:
        return tf.config.functions_run_eagerly() and self._events >= self._rendezvous.previous

    @property
    def _turn_is_over(self) -> bool:
        """Past the rendezvous, a loop with several gradients in a turn is recorded a whole turn at a time."""
        past = self._events - self._rendezvous.event
        if self._rendezvous.read is not None and past == 0:
            return False  # what follows this step is of interest, and the step beside it
        turn = self._rendezvous.event - self._rendezvous.previous
        return self._recorder is not None and past >= 0 and past % max(turn, 1) == 0

    def raised(self, error: BaseException) -> None:
        """The script has ended with an error; what a kernel refuses here, a compiled one may have made NaN of."""
        assert self._recorder is not None
        self.met = True
        self._events += self._rendezvous.read is None  # the one that it would have come to
        self._recorder.trace.note_error(error)
        self._finish(None)

    @property
    def records(self) -> bool:
        return self._recorder is not None

    def ended(self) -> None:
        """The script has ended."""
        self._finish(None)

    @property
    def arrived(self) -> bool:
        """Whether this run has come as far as the fault of the first."""
        return self._events >= self._rendezvous.event - (self._rendezvous.surface == "weights")

    def difference(self, why: str) -> str | None:
        """How this run went another way than the first, in words; None where it did not.

        `why`: of what is run as it was in the first.
        """
        tolerance = _TOLERANCE_HALF if self._half else _TOLERANCE
        for event, first in self._rendezvous.losses:
            again = self._losses.get(event)
            if again is None or event >= self._rendezvous.event:
                continue
            if not math.isclose(first, again, rel_tol=tolerance, abs_tol=tolerance):
                losses = f"the loss of gradient {event:,} was {first:.6g} first and {again:.6g} then"
                return f"the two runs differ: {losses}; {why if event <= self._rendezvous.eager_from else _WHY_EAGER}"
        if self.met and self._events != self._rendezvous.event and self._rendezvous.surface != "weights":
            return f"the second run was not finite at another step than the first; {why}, or {_WHY_EAGER}"
        return None

    # -- the recorder ---------------------------------------------------------------------------

    def _wake(self, *, amid_update: bool = True, early: bool = False) -> None:
        """Begin a new recording; what was recorded before it was healthy.

        `amid_update`: a gradient was taken last, and what follows is its update.
        """
        self._open.close()
        if self._early and self._recorder is not None:
            self.recurrence_before = growing_recurrence(self._recorder.trace)
        self._early = early
        self._recorder = Recorder(stop=self._stop)
        self._recorder.differentiated = amid_update and self._rendezvous.previous > 0
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
        self._half = any(v.dtype == "float16" for node in recorder.trace.nodes for v in node.outputs)
        self._found(recorder.trace, reading)


def _is_eager(tensor: Any) -> bool:
    return isinstance(tensor, tf.Tensor) and not tf.is_symbolic_tensor(tensor)
