"""A training loop of the user's own as it is watched: its history, and where in the run its fault is found again."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from nandoctor.frameworks.reading import LoopReading
from nandoctor.frameworks.rendezvous import TURN, Rendezvous
from nandoctor.watch.history import History

_CALLS = 512


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

    def updating(self, gradients: Sequence[tuple[Any, Any]]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def look(self, reading: LoopReading, before: Sequence[LoopReading] = ()) -> None:
        self._tell(reading, before)


class LoopWatch(LoopListener):
    """Follows the first run: keeps the history, and hands over a rendezvous when something is not finite."""

    def __init__(self, on_fault: Callable[[Rendezvous], None], on_steps: Callable[[int], None]) -> None:
        super().__init__(self._look)
        self.history = History()
        self.events = 0
        self._on_fault = on_fault
        self._on_steps = on_steps
        self._losses: deque[tuple[int, float]] = deque(maxlen=_CALLS)
        self._calls: deque[tuple[int, int]] = deque(maxlen=_CALLS)
        self._began = time.perf_counter()
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

    def ended(self, weights_are_finite: Callable[[], bool], reading: LoopReading | None) -> None:
        """The script has ended: an update that spoilt the weights after the last loss shows only now."""
        if reading is None or self._over or self.events == 0 or weights_are_finite():
            return
        self._over = True
        if reading.suspect:
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
