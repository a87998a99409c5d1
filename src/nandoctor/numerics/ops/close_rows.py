"""Distances of rows by one matrix product, or, where rows are too close for it, by products that do not round."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.double import single
from nandoctor.numerics.ops.exact_squares import LONG, dot, exact_squares, gram
from nandoctor.numerics.ops.gradients import Function
from nandoctor.numerics.ops.precision import RANGES, Tensor

LARGEST = RANGES["float32"].largest


def close_squares(*rows: Tensor) -> Tensor:
    """The squared distance of each row of a matrix to each of another one, or of its own.

    Args:
        rows: `(n, d)`, or that and `(m, d)`; numbers of float32 in float64.

    Returns:
        `(n, m)` float32.
    """
    return _from_squares(_unchanged, rows)


def close_distances(*rows: Tensor) -> Tensor:
    """The roots of `close_squares`."""
    return _from_squares(keras.ops.sqrt, rows)


def _unchanged(squares: Tensor) -> Tensor:
    return squares


def _from_squares(function: Function, rows: tuple[Tensor, ...]) -> Tensor:
    """An increasing `function` of the squares, which keeps 0."""
    ops = keras.ops
    a, others = rows[0], rows[-1]
    lengths, longest = dot(a, a), ops.max(dot(others, others), initial=0)
    found = ops.cast(function(gram([a], [others], lengths, dot(others, others))), "float32")
    far = found >= ops.cast(function(_rounding_shows(a) * (lengths + longest)), "float32")
    # a row is not far from itself, be the rounding what it may
    enough = ops.sum(ops.cast(far, "int32"), axis=1) == ops.shape(others)[0] - int(len(rows) == 1)
    ends = function(4 * (ops.max(lengths, initial=0) + longest)) <= LARGEST
    return ops.cond(
        ops.logical_and(ops.all(enough), ends),
        lambda: ops.where(far, found, 0),
        lambda: single(function(exact_squares(a, others))),
    )


def _rounding_shows(x: Tensor) -> float:
    """Squares below this part of the sum of both squared lengths may be off by more than a float32 rounds.

    A sum of so many products is off by at most as many roundings of float64, each of at most twice that sum.
    """
    return float((x.shape[1] or LONG) + 2) * 2.0**-27
