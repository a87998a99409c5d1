"""From where on a loss or a gradient is a spike: some robust deviations above the median of the steps before.

The median and the median deviation do not move for what is far off, and a step that is not finite, or is a spike
itself, is never added.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

WINDOW = 100
"""Healthy steps looked back over."""

FEWEST = 20
"""Healthy steps from which on anything is judged."""

_TO_SIGMA = 1.4826
"""A median deviation as the standard deviation of a normal distribution."""

_LEAST = 0.01
"""The least deviation, as a share of the median: where all steps are the same, rounding is no spike."""


class Level:
    """The last values of one quantity, in order of time and of size."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._values: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        """One more step; what is not finite leaves no trace."""
        if not math.isfinite(value):
            return
        if len(self._values) == self._window:
            self._sorted.pop(bisect_left(self._sorted, self._values.popleft()))
        self._values.append(value)
        insort(self._sorted, value)

    def limit(self, sigmas: float) -> float:
        """The value that so many deviations are above the median; infinite while too few are known.

        Example:
            >>> level = Level()
            >>> for value in [1.0, 2.0, 3.0] * 7:
            ...     level.add(value)
            >>> round(level.limit(6.0), 2)
            10.9
        """
        if len(self._values) < FEWEST:
            return math.inf
        middle = _median(self._sorted)
        deviation = _median(sorted(abs(value - middle) for value in self._sorted))
        return middle + sigmas * max(_TO_SIGMA * deviation, _LEAST * abs(middle))


class Spikes:
    """The levels of loss and gradient norm of one training."""

    def __init__(self, sigmas: float) -> None:
        self._sigmas = sigmas
        self._loss = Level()
        self._gradient = Level()

    def add(self, loss: float, gradient_norm: float) -> None:
        """A step that was healthy."""
        self._loss.add(loss)
        self._gradient.add(gradient_norm)

    @property
    def limits(self) -> tuple[float, float]:
        """The largest loss and gradient norm that are none."""
        return self._loss.limit(self._sigmas), self._gradient.limit(self._sigmas)


def _median(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
