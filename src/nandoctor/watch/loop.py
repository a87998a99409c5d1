"""A training loop of the user's own as it is watched: its history, and where in the run its fault is found again."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from nandoctor.frameworks.reading import MOST_SKIPS, LoopReading
from nandoctor.frameworks.rendezvous import TURN, Place, Rendezvous
from nandoctor.trace.locations import Frame
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.history import History

_CALLS = 512

_READOUTS = 8
"""Places in the code that are remembered."""


class LoopListener:
    """Follows a run that is only read: nothing of it is recorded."""

    def __init__(self, look: Callable[[LoopReading, Sequence[LoopReading]], None]) -> None:
        self._tell = look

    def call_begins(self, events: Callable[[], int], function: Any = None) -> None:
        """Nothing is needed before a call."""

    def differentiating(self, targets: Sequence[Any]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def differentiated(self, gradients: Sequence[tuple[Any, Any]], state: Sequence[Any]) -> None:
        """Nothing is needed while it runs."""

    def updating(
        self, gradients: Sequence[tuple[Any, Any]], *, scaled: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def look(self, reading: LoopReading, before: Sequence[LoopReading] = ()) -> None:
        self._tell(reading, before)

    def read(self, tensor: Any, value: float, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        """What the script reads is of no interest."""

    def exhausted(self, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        """What the script goes over is of no interest."""


@dataclass(frozen=True)
class Readout:
    """A number beside the training that the script read, and that is not finite: its value, where, and when."""

    value: float
    frames: tuple[Frame, ...]
    reading: LoopReading
    seconds: float


@dataclass(frozen=True)
class EmptyPass:
    """A data set that the script went over gave nothing. `noted`: how many of NumPy's errors were known then."""

    frames: tuple[Frame, ...]
    noted: int


class LoopWatch(LoopListener):
    """Follows the first run: keeps the history, and hands over a rendezvous when something is not finite."""

    def __init__(
        self,
        on_fault: Callable[[Rendezvous], None],
        on_steps: Callable[[int], None],
        notes: Callable[[], tuple[FloatingPointNote, ...]] = tuple,
    ) -> None:
        super().__init__(self._look)
        self._notes = notes
        self._readouts: dict[Place, Readout] = {}
        self._empty: dict[Place, EmptyPass] = {}
        self.history = History()
        self.events = 0
        self._on_fault = on_fault
        self._on_steps = on_steps
        self._losses: deque[tuple[int, float]] = deque(maxlen=_CALLS)
        self._calls: deque[tuple[int, int]] = deque(maxlen=_CALLS)
        self._began = self._first = time.perf_counter()
        self._over = False

    def _look(self, reading: LoopReading, before: Sequence[LoopReading]) -> None:
        if self._over:
            return
        now = time.perf_counter()
        each = (now - self._began) / max(reading.events - self.events, 1)
        for one in before:
            if not reading.faulty or one.events < reading.fault:
                self._keep(one, each)
        if reading.faulty:
            self._over = True
            self._on_fault(self._rendezvous(int(reading.fault), int(reading.previous), reading.surface, reading))
        elif reading.events > self.events:
            self._calls.append((self.events, int(reading.events)))
            self.events = int(reading.events)
            self._keep(reading, each)
            self._began = now
            self._on_steps(self.events)

    def _keep(self, reading: LoopReading, seconds: float) -> None:
        self._losses.append((int(reading.events), reading.loss))
        self.history.add(reading.record(seconds))

    def read(self, tensor: Any, value: float, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        if len(self._readouts) < _READOUTS and not self._over:
            readout = Readout(value, frames, reading, time.perf_counter() - self._first)
            self._readouts.setdefault(Place.of(frames[0]), readout)

    def exhausted(self, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        if len(self._empty) < _READOUTS and Place.of(frames[0]) not in self._empty:
            self._empty[Place.of(frames[0])] = EmptyPass(frames, len(self._notes()))

    @property
    def readouts(self) -> tuple[Readout, ...]:
        """The first number that was read at each place, in order."""
        return tuple(self._readouts.values())

    def empty_pass(self) -> EmptyPass | None:
        """One after which, in a function around it, NumPy divided one 0 by another: the mean of nothing."""
        return next((empty for empty in self._empty.values() if self._told_by_a_number(empty)), None)

    def _told_by_a_number(self, empty: EmptyPass) -> bool:
        around = {(code.co_filename, code.co_name) for code, _ in empty.frames}
        after = (n for n in self._notes()[empty.noted :] if "scalar divide" in n.message)
        return any((n.location.file, n.location.function) in around for n in after)

    def rendezvous_with(self, readout: Readout) -> Rendezvous:
        """Where a second run meets a number that was read: after the last training step before it, recorded too."""
        last = readout.reading
        met = self._rendezvous(int(last.events), int(last.before), "validation", last)
        before = tuple(record for record in met.history if record.step <= met.step)
        return msgspec.structs.replace(met, read=Place.of(readout.frames[0]), history=before)

    def ended(self, weights_are_finite: Callable[[], bool], reading: LoopReading | None) -> None:
        """The script has ended: an update that spoilt the weights after the last loss shows only now."""
        if reading is None or self._over or self.events == 0:
            return
        if reading.in_a_row >= MOST_SKIPS:
            self._over = True
            self._on_fault(self._rendezvous(self.events, int(reading.before), "gradient", reading))
        if weights_are_finite():
            return
        self._over = True
        if reading.doubt:
            met = self._rendezvous(int(reading.doubt), int(reading.doubt_previous), "gradient", reading)
            self._on_fault(msgspec.structs.replace(met, step=int(reading.doubt_step)))
        elif reading.suspect:
            self._on_fault(self._rendezvous(int(reading.suspect), int(reading.suspect_previous), "loss", reading))
        else:
            self._on_fault(self._rendezvous(self.events + 1, self.events, "weights", reading))

    def _rendezvous(self, event: int, previous: int, surface: str, reading: LoopReading) -> Rendezvous:
        return Rendezvous(
            event=event,
            previous=previous,
            eager_from=self._eager_from(event, previous),
            surface=surface,
            step=int(reading.step),
            updates=reading.updated > 0,
            history=self.history.records,
            losses=tuple(self._losses),
        )

    def _eager_from(self, event: int, previous: int) -> int:
        earlier = self._start_of(max(2 * previous - event, 1))
        return earlier if previous - earlier <= 2 * TURN else self._start_of(previous)

    def _start_of(self, event: int) -> int:
        """How many events precede the call in which an event was."""
        for before, after in self._calls:
            if before < event <= after:
                return before
        return min(event, self.events)
