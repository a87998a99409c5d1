"""Euclidean distances between the rows of matrices."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import saturated
from nandoctor.numerics.ops.double import in_double
from nandoctor.numerics.ops.exact_squares import exact_squares
from nandoctor.numerics.ops.gradients import with_gradient
from nandoctor.numerics.ops.norms import length_over
from nandoctor.numerics.ops.precision import Tensor, dtype_of, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


@in_double
def _weighted_sum(weights: Tensor, a: Tensor, b: Tensor) -> Tensor:
    total = keras.ops.sum(weights, axis=1, keepdims=True)
    return a * total - weights @ b


def _weighted_sum_gradient(upstream: Tensor, weights: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    ops = keras.ops
    by_weights = ops.sum(upstream * a, axis=1, keepdims=True) - upstream @ ops.transpose(b)
    by_a = upstream * ops.sum(weights, axis=1, keepdims=True)
    return by_weights, by_a, -(ops.transpose(weights) @ upstream)


_weighted_differences = with_gradient(_weighted_sum, _weighted_sum_gradient)
"""`sum_j weights_ij (a_i - b_j)`: rows that are close have large weights and small differences."""


def _by_both(weights: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return _weighted_differences(weights, a, b), _weighted_differences(keras.ops.transpose(weights), b, a)


def _squares_gradient(upstream: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return _by_both(2 * upstream, a, b)


def _distances_gradient(upstream: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    ops = keras.ops
    found = _distances(a, b)
    apart = found >= range_of(found).smallest
    weights = quotient(ops.where(apart, upstream, 0), ops.where(apart, found, 1))
    return _by_both(weights, a, b)


_squares = with_gradient(in_double(exact_squares), _squares_gradient)
_distances = with_gradient(in_double(lambda a, b: keras.ops.sqrt(exact_squares(a, b))), _distances_gradient)


def _by_differences(a: Tensor, b: Tensor, squared: bool) -> Tensor:
    ops = keras.ops
    rest = saturated(range_of(a).largest)(ops.expand_dims(a, 1) - ops.expand_dims(b, 0))
    return ops.sum(ops.square(rest), axis=-1) if squared else ops.squeeze(length_over((2,))(rest), axis=2)


@symbolic
def pairwise_distance(a: Tensor, b: Tensor = None, squared: bool = False) -> Tensor:
    """The Euclidean distance of each row of `a` to each row of `b`.

    Replaces `sqrt(|a|^2 - 2 a b + |b|^2)`: for rows that are close it is the small difference of large numbers, mostly
    rounding, which may be negative (the root is then NaN); and at 0, where the diagonal is, the root has an infinite
    slope, so the gradient is NaN though the loss is finite.

    Operands up to float32 take three matrix products in float64 that do not round, so nothing is lost to
    cancellation. In float64 there is nothing wider to compute in: there the differences themselves are squared, which
    takes `n * m * d` numbers of memory and as much time.

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
    b = a if b is None else b
    dtype = result_dtype(a, b)
    a, b = widen(dtype, a, b)
    if len(a.shape) != 2 or len(b.shape) != 2 or (None not in (a.shape[1], b.shape[1]) and a.shape[1] != b.shape[1]):
        raise ValueError(f"pairwise_distance needs (n, d) and (m, d), not {tuple(a.shape)} and {tuple(b.shape)}")
    if dtype_of(a) == "float64":
        return narrow(_by_differences(a, b, squared), dtype)
    return narrow(_squares(a, b) if squared else _distances(a, b), dtype)
