"""Healthy states at growing distance from the present, inside a memory budget.

A training that goes wrong slowly is understood, and treated, from before the growth began. The first state
is kept for good; of the others those about 1, 8, 64 ... intervals old stay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

BUDGET = 512 << 20
"""Bytes that all snapshots of a training may take together."""

SHARE = 0.005
"""The share of the training's time that taking snapshots may take; the interval grows to stay below."""

_BASE = 8
_MOST = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state before a step (counted from 1) was taken."""

    step: int
    state: Mapping[str, np.ndarray]


class Snapshots:
    """Takes and thins snapshots; `state` is called only when one is due."""

    def __init__(self, state: Callable[[], dict[str, np.ndarray]], budget: int = BUDGET) -> None:
        self._state = state
        self._budget = budget
        self._interval = _BASE
        self._kept: list[Snapshot] = []
        self._most = _MOST
        self._began = time.perf_counter()
        self._first_step = 1

    def before_step(self, step: int) -> None:
        """Called with the number of the step that comes next; the present state is healthy."""
        if self._kept and step - self._kept[-1].step < self._interval:
            return
        if self._most == 0:
            return
        started = time.perf_counter()
        state = self._state()
        self._most = min(_MOST, self._budget // max(1, _bytes(state)))
        if self._most > len(self._kept[:1]) or (self._most and not self._kept):
            self._kept.append(Snapshot(step, state))
        elif self._kept:
            self._most = 0  # there is room for the first alone: take no more
        self._thin(step)
        self._pace(time.perf_counter() - started, step)

    def forget_after(self, step: int) -> None:
        """What came after this one was of a state that training has left."""
        self._kept = [snapshot for snapshot in self._kept if snapshot.step <= step]

    def _thin(self, step: int) -> None:
        """Keep the first, the latest, and those nearest to 8 and 64 intervals back."""
        while len(self._kept) > max(self._most, 1):
            if len(self._kept) == 2:
                self._kept = self._kept[:1]
                return
            gaps = [
                (self._kept[i + 1].step - self._kept[i - 1].step) / (step - self._kept[i].step + 1)
                for i in range(1, len(self._kept) - 1)
            ]
            self._kept.pop(1 + int(np.argmin(gaps)) if gaps else 1)

    def _pace(self, seconds: float, step: int) -> None:
        """As many steps to the next one as are worth the cost of this one; the first, which is slow, tells nothing."""
        if step <= _BASE:
            self._began, self._first_step = time.perf_counter(), step
            return
        each = (time.perf_counter() - self._began) / max(step - self._first_step, 1)
        self._interval = max(_BASE, math.ceil(seconds / (SHARE * max(each, 1e-9))))

    @property
    def kept(self) -> tuple[Snapshot, ...]:
        """Oldest first."""
        return tuple(self._kept)


def _bytes(state: Mapping[str, np.ndarray]) -> int:
    return sum(array.nbytes for array in state.values())
