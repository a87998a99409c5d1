"""Norms that neither overflow nor underflow, held as two numbers whose product is the norm.

The squares of numbers beyond 1e19 are not finite in float32, and those of numbers below 1e-19 are 0. So the plain sum
of squares is looked at, and only where it is out of its range are the numbers divided by the largest of them first:
most steps pay for one pass.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

_LARGE = 1e30
"""A sum of squares up to this is exact; a few of them may be added."""
_SMALL = 1e-24
"""From this on, what squares too small for float32 would add to the sum does not show."""
_TINY = 1.2e-38
_PART = 0.125
"""Of the largest number; the reciprocal of the largest number itself is not a normal one."""


class Magnitude(NamedTuple):
    """A norm, as `scale * rest`; one that is beyond the dtype can be held. It is finite if `rest` is.

    `rest` is at most 8 times the square root of the number of elements, unless `scale` is 1.
    """

    scale: Any
    rest: Any

    def norm(self, times: float = 1.0) -> Any:
        """The norm, or a multiple of it; the largest finite number where it is beyond that."""
        return ops.minimum(times * self.scale * self.rest, largest(self.rest))

    def shortening(self, limit: Any) -> tuple[Any, Any]:
        """A divisor and a factor that bring down to `limit` what is longer; both are exactly 1 for what is not.

        Not one factor: it would be too small for the dtype where the norm is 1e38 times the limit.
        """
        over = self.rest > limit / self.scale
        one = ops.ones_like(self.rest)
        whole = self.scale * self.rest
        held = whole <= _PART * largest(self.rest)  # XLA multiplies by the reciprocal
        divisor = ops.where(held, whole, self.scale)
        left = ops.where(ops.logical_and(over, ops.logical_not(held)), self.rest, one)
        return ops.where(over, divisor, one), ops.where(over, limit / left, one)


def largest(tensor: Any) -> float:
    """The largest finite number of the tensor's dtype, float32 or float64."""
    return float(np.finfo(keras.backend.standardize_dtype(tensor.dtype)).max)


def widened(tensor: Any) -> Any:
    """The tensor in a dtype that can be added up: at least float32, and no integers."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return tensor if dtype in ("float32", "float64") else ops.cast(tensor, "float32")


def of_all(tensors: Sequence[Any]) -> Magnitude:
    """The norm of all elements of all tensors together, a scalar."""
    total = _sum([_squares(t) for t in tensors])
    one = ops.ones_like(total)

    def scaled() -> tuple[Any, Any]:
        peaks = [ops.cast(ops.max(ops.abs(t)), total.dtype) for t in tensors]
        peak = ops.maximum(functools.reduce(ops.maximum, peaks) * _PART, _TINY)
        return peak, ops.sqrt(_sum([_squares(t / ops.cast(peak, t.dtype)) for t in tensors]))

    in_range = ops.logical_and(total < _LARGE, total > _SMALL)
    return Magnitude(*ops.cond(in_range, lambda: (one, ops.sqrt(total)), scaled))


def of_each(tensors: Sequence[Any], axes: Sequence[tuple[int, ...]], floor: float) -> list[Magnitude]:
    """The norm of each tensor over these of its axes, which are kept with length 1.

    Args:
        tensors: float32 or float64.
        axes: for each of them; no axis at all gives the absolute values.
        floor: norms below this need not be told from 0.
    """
    totals = [ops.sum(ops.square(t), axis=a, keepdims=True) for t, a in zip(tensors, axes, strict=True)]

    def plain() -> list[tuple[Any, Any]]:
        return [(ops.ones_like(total), ops.sqrt(total)) for total in totals]

    def scaled() -> list[tuple[Any, Any]]:
        peaks = [
            ops.maximum(ops.max(ops.abs(t), axis=a, keepdims=True) * _PART, _TINY)
            for t, a in zip(tensors, axes, strict=True)
        ]
        parts = [t / peak for t, peak in zip(tensors, peaks, strict=True)]
        sums = [ops.sum(ops.square(p), axis=a, keepdims=True) for p, a in zip(parts, axes, strict=True)]
        return [(peak, ops.sqrt(s)) for peak, s in zip(peaks, sums, strict=True)]

    in_range = [ops.all(total < _LARGE) for total in totals]
    if floor**2 < _SMALL:
        in_range += [ops.all(total > _SMALL) for total in totals]
    return [Magnitude(*pair) for pair in ops.cond(ops.all(ops.stack(in_range)), plain, scaled)]


def _squares(tensor: Any) -> Any:
    return ops.sum(ops.square(tensor))


def _sum(scalars: Sequence[Any]) -> Any:
    """In the widest dtype among them."""
    dtype = max((keras.backend.standardize_dtype(s.dtype) for s in scalars), key=lambda name: int(name[5:]))
    return functools.reduce(operator.add, [ops.cast(s, dtype) for s in scalars])
