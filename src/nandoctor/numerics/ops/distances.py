"""Euclidean distances between the rows of matrices."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import bounded_gradient, saturated
from nandoctor.numerics.ops.close_rows import close_distances, close_squares
from nandoctor.numerics.ops.double import in_double
from nandoctor.numerics.ops.gradients import remembering, with_gradient
from nandoctor.numerics.ops.norms import length_over
from nandoctor.numerics.ops.precision import Tensor, dtype_of, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient_or_zero
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen

ROOM = 2.0**-20
"""For as many slopes to be added without inf - inf."""


@in_double
def _weighted_sum(weights: Tensor, a: Tensor, b: Tensor) -> Tensor:
    total = keras.ops.sum(weights, axis=1, keepdims=True)
    return a * total - weights @ b


def _weighted_sum_gradient(upstream: Tensor, weights: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    ops = keras.ops
    by_a = upstream * ops.sum(weights, axis=1, keepdims=True)
    return _along(upstream, a, b), by_a, -(ops.transpose(weights) @ upstream)


def _along(upstream: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`upstream_i (a_i - b_j)`."""
    return keras.ops.sum(upstream * a, axis=1, keepdims=True) - upstream @ keras.ops.transpose(b)


_weighted_differences = with_gradient(_weighted_sum, _weighted_sum_gradient)
"""`sum_j weights_ij (a_i - b_j)`: rows that are close have large weights and small differences."""


@in_double
def _weighted_sum_to_and_fro(weights: Tensor, a: Tensor) -> Tensor:
    both = weights + keras.ops.transpose(weights)
    return a * keras.ops.sum(both, axis=1, keepdims=True) - both @ a


def _to_and_fro_gradient(upstream: Tensor, weights: Tensor, a: Tensor) -> tuple[Tensor, ...]:
    ops = keras.ops
    along = _along(upstream, a, a)
    by_a = _weighted_sum_gradient(upstream, weights, a, a)[1:]
    by_a_again = _weighted_sum_gradient(upstream, ops.transpose(weights), a, a)[1:]
    return along + ops.transpose(along), sum(by_a + by_a_again)


_differences_to_and_fro = with_gradient(_weighted_sum_to_and_fro, _to_and_fro_gradient)
"""`sum_j (weights_ij + weights_ji) (a_i - a_j)`, in one product."""


def _by_rows(weights: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
    if len(rows) == 1:
        return (_differences_to_and_fro(weights, *rows),)
    a, b = rows
    return _weighted_differences(weights, a, b), _weighted_differences(keras.ops.transpose(weights), b, a)


def _squares_gradient(upstream: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
    return _by_rows(2 * upstream, *rows)


def _distances_gradient(upstream: Tensor, found: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
    zero = found < range_of(found).smallest
    return _by_rows(quotient_or_zero(upstream, found, keras.ops.where(zero, 1, found), zero), *rows)


_squares = with_gradient(in_double(close_squares), _squares_gradient)
_distances = remembering(in_double(close_distances), _distances_gradient)
"""Of the rows of one matrix, or of two."""


def _by_differences(a: Tensor, b: Tensor, squared: bool) -> Tensor:
    ops = keras.ops
    largest = range_of(a).largest
    rest = saturated(largest)(ops.expand_dims(a, 1) - ops.expand_dims(b, 0))
    rest = bounded_gradient(largest * ROOM)(rest)
    # Not `square`: its slope 2 x is infinite at the end of the dtype, and 0 from above times that is NaN.
    return ops.sum(rest * rest, axis=-1) if squared else ops.squeeze(length_over((2,))(rest), axis=2)


def _fit(one: tuple[int | None, ...], other: tuple[int | None, ...]) -> bool:
    if len(one) != 2 or len(other) != 2:
        return False
    return None in (one[1], other[1]) or one[1] == other[1]


@symbolic
def pairwise_distance(a: Tensor, b: Tensor = None, squared: bool = False) -> Tensor:
    """The Euclidean distance of each row of `a` to each row of `b`.

    Replaces `sqrt(|a|^2 - 2 a b + |b|^2)`: for rows that are close it is the small difference of large numbers, mostly
    rounding, which may be negative (the root is then NaN); and at 0, where the diagonal is, the root has an infinite
    slope, so the gradient is NaN though the loss is finite.

    Operands up to float32 take a matrix product in float64. Where rows are so close that its rounding would show, or
    equal, three products are taken that do not round, so nothing is lost to cancellation. In float64 there is nothing
    wider to compute in: there the differences themselves are squared, which takes `n * m * d` numbers of memory and
    as much time.

    Args:
        a: `(n, d)`, float or integer.
        b: `(m, d)`; None for `a` itself.
        squared: whether to leave the root out.

    Returns:
        `(n, m)` in the promoted dtype, at most its largest number. Equal rows have the distance 0, exactly, with
        gradient 0. Rows that differ in no entry by more than 1e-11 of their largest may count as equal.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `a` or `b` is no matrix, or their rows differ in length.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.pairwise_distance([[0.0, 0.0], [3.0, 4.0]])).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    dtype = result_dtype(a) if b is None else result_dtype(a, b)
    rows = widen(dtype, *((a,) if b is None else (a, b)))
    first, last = rows[0], rows[-1]
    if not _fit(tuple(first.shape), tuple(last.shape)):
        raise ValueError(f"pairwise_distance needs (n, d) and (m, d), not {tuple(first.shape)} and {tuple(last.shape)}")
    if dtype_of(first) == "float64":
        return narrow(_by_differences(first, last, squared), dtype)
    return narrow(_squares(*rows) if squared else _distances(*rows), dtype, bound=False)
