"""Division."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import finite
from nandoctor.numerics.ops.precision import Tensor, range_of, result_dtype
from nandoctor.numerics.ops.slopes import broadcast, with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


def _saturated_quotient(x: Tensor, y: Tensor) -> Tensor:
    return finite(x / y)


def _by_numerator(x: Tensor, y: Tensor) -> Tensor:
    return reciprocal(y)


def _by_denominator(x: Tensor, y: Tensor) -> Tensor:
    return -quotient(quotient(x, y), y)


quotient = with_slopes(_saturated_quotient, _by_numerator, _by_denominator)
"""`x / y` for y that is not 0, of one shape; it and its derivatives of every order end at the largest number."""


def reciprocal(y: Tensor) -> Tensor:
    """`1 / y` for y that is not 0."""
    return quotient(keras.ops.ones_like(y), y)


@symbolic
def divide(x: Tensor, y: Tensor, otherwise: Tensor = 0.0) -> Tensor:
    """`x / y`, and `otherwise` where y is 0.

    Replaces `x / y`, which is infinite or NaN at y = 0, and `where(y == 0, 0, x / y)`, whose value is right and whose
    gradient is NaN: both branches of a `where` are differentiated, and 0 times the infinite slope of the branch that is
    not taken is NaN. Here no gradient comes from where y is 0 (or so small that it is subnormal).

    Args:
        x: numerator, any shape, float or integer.
        y: denominator, of a shape that broadcasts with `x`.
        otherwise: the value where y is 0; it gets no gradient.

    Returns:
        The quotient in the promoted dtype; +-the largest number of the dtype where it would be beyond.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.divide([1.0, 2.0, 0.0], [4.0, 0.0, 0.0], otherwise=-1.0)).tolist()
        [0.25, -1.0, -1.0]
    """
    ops = keras.ops
    dtype = result_dtype(x, y)
    x, y = broadcast(*widen(dtype, x, y))
    usable = ops.abs(y) >= range_of(y).smallest
    unknown = ops.logical_or(usable, ops.isnan(y))
    found = quotient(ops.where(unknown, x, 0), ops.where(unknown, y, 1))
    fallback = ops.stop_gradient(ops.convert_to_tensor(otherwise, found.dtype))
    return narrow(ops.where(unknown, found, fallback), dtype)
