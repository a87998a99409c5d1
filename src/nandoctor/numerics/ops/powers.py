"""Powers."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import finite, product
from nandoctor.numerics.ops.logarithms import natural_log
from nandoctor.numerics.ops.precision import Tensor, constant, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient
from nandoctor.numerics.ops.slopes import broadcast, with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


def _saturated_power(x: Tensor, y: Tensor) -> Tensor:
    return finite(keras.ops.power(x, y))


def _by_base(x: Tensor, y: Tensor) -> Tensor:
    # For x < 1 and y < 0 the power of y - 1 may overflow though y times it does not.
    ops = keras.ops
    steep = ops.logical_and(x < 1, y < 0)
    base, exponent = ops.where(steep, x, 1), ops.where(steep, y, 1)
    by_division = quotient(product(exponent, _positive_power(base, exponent)), base)
    by_power = product(y, _positive_power(ops.where(steep, 1, x), y - 1))
    return ops.where(steep, by_division, by_power)


def _by_exponent(x: Tensor, y: Tensor) -> Tensor:
    return product(_positive_power(x, y), natural_log(x, range_of(x).smallest))


_positive_power = with_slopes(_saturated_power, _by_base, _by_exponent)


@symbolic
def power(x: Tensor, y: Tensor) -> Tensor:
    """`x ** y`, finite at 0 for every y.

    Replaces `x ** y`, whose slope at 0 is infinite for y < 1 (the modulating factor of a focal loss at p = 1), whose
    derivative by y is 0 * log(0) = NaN there, and which is NaN for a negative x that rounding made.

    Args:
        x: base, any shape, float or integer. A negative base is meant for exponents that are whole numbers; with
            another exponent it counts as 0.
        y: exponent, of a shape that broadcasts with `x`.

    Returns:
        The power in the promoted dtype, +-its largest number where it would be beyond (0 to a negative power); 0 to the
        power 0 is 1. The slope by x is y * x ** (y - 1), and 0 at x = 0 for y < 1; that by y is x ** y * log(x),
        and 0 for x <= 0. Both end at the largest number of the dtype.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.power([0.0, 4.0, -2.0], [0.5, 0.5, 3.0])).tolist()
        [0.0, 2.0, -8.0]
    """
    ops = keras.ops
    dtype = result_dtype(x, y)
    x, y = broadcast(*widen(dtype, x, y))
    whole = ops.floor(y) == y
    zero = ops.logical_or(ops.abs(x) < range_of(x).smallest, ops.logical_and(x < 0, ops.logical_not(whole)))
    size = _positive_power(ops.abs(ops.where(zero, 1, x)), ops.where(zero, 1, y))
    odd = ops.logical_and(whole, ops.floor(y / 2) * 2 != y)
    signed = ops.where(ops.logical_and(x < 0, odd), -size, size)
    largest, one = constant(range_of(x).largest, x), ops.ones_like(x)
    # at 0 only the exponent 1 has a slope
    at_zero = ops.where(y == 1, x, ops.where(y > 0, 0, ops.where(y < 0, largest, one)))
    return narrow(ops.where(zero, at_zero, signed), dtype)
