"""Logarithms."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import finite, product
from nandoctor.numerics.ops.precision import RANGES, Tensor, result_dtype
from nandoctor.numerics.ops.quotients import quotient, reciprocal
from nandoctor.numerics.ops.slopes import broadcast, with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen

_positive_log = with_slopes(keras.ops.log, reciprocal)


def natural_log(x: Tensor, smallest: float) -> Tensor:
    """The logarithm of `x`, constant below `smallest`."""
    return _positive_log(keras.ops.where(x < smallest, smallest, x))


@symbolic
def log(x: Tensor) -> Tensor:
    """The natural logarithm, finite at 0.

    Replaces `log(x)`, which is -inf at 0 and NaN below, and `log(x + eps)` or `log(clip(x, eps, 1))`, which are wrong
    for small x. A probability that underflowed to 0 gives a large loss that can be summed, not an infinite one.

    Args:
        x: any shape, float or integer. What is below 0 counts as 0.

    Returns:
        The logarithm in the dtype of `x`. At 0 it is that of the smallest positive number of the dtype (normal number;
        in float16, 2 to the -24): -87.3 in float32 and bfloat16, -708.4 in float64, -16.6 in float16. There the
        slope is 0; it is 1 / x for every larger number, at most the largest number of the dtype. The logarithm of
        infinity is infinite.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.log([0.0, 1.0])).round(2).tolist()
        [-87.33999633789062, 0.0]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    return keras.ops.cast(natural_log(x, RANGES[dtype].smallest), dtype)


@symbolic
def xlogy(x: Tensor, y: Tensor) -> Tensor:
    """`x * log(y)`, and 0 where x is 0, whatever y.

    Replaces `x * log(y)`, which is 0 * -inf = NaN at x = y = 0, the term of an empty class in an entropy or in a
    cross-entropy.

    Args:
        x: factor, any shape, float or integer.
        y: of a shape that broadcasts with `x`. What is below 0 counts as 0.

    Returns:
        The product in the promoted dtype, +-its largest number where it would be beyond; log(0) is that of `log`. The
        slope by x is log(y), the slope by y is x / y; both are 0 at x = y = 0, and the latter is 0 at y = 0.
        Where x is 0 and y is 0, infinite or NaN, nothing of y comes through.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.xlogy([0.0, 2.0], [0.0, 1.0])).tolist()
        [0.0, 0.0]
    """
    ops = keras.ops
    dtype = result_dtype(x, y)
    x, y = broadcast(*widen(dtype, x, y))
    smallest, largest = RANGES[dtype].smallest, RANGES[dtype].largest
    ordinary = ops.logical_and(y >= smallest, y <= largest)
    y = ops.where(ops.logical_and(x == 0, ops.logical_not(ordinary)), 1, y)
    return narrow(_product(x, ops.where(y < smallest, smallest, y)), dtype)


def _by_factor(x: Tensor, y: Tensor) -> Tensor:
    return _positive_log(y)


_product = with_slopes(lambda x, y: finite(x * keras.ops.log(y)), _by_factor, quotient)


def _slope_of_log1mexp(x: Tensor) -> Tensor:
    return _inverse_expm1(x)


def _inverse_expm1_slope(x: Tensor) -> Tensor:
    found = _inverse_expm1(x)
    return -product(found, 1 + found)


# 1 / (exp(x) - 1), written so that a large x does not overflow
_inverse_expm1 = with_slopes(lambda x: keras.ops.exp(-x) / -keras.ops.expm1(-x), _inverse_expm1_slope)


def _two_branches(x: Tensor) -> Tensor:
    ops = keras.ops
    return ops.where(x < 0.6931472, ops.log(-ops.expm1(-x)), ops.log1p(-ops.exp(-x)))


_log1mexp = with_slopes(_two_branches, _slope_of_log1mexp)


@symbolic
def log1mexp(x: Tensor) -> Tensor:
    """`log(1 - exp(-x))` for x > 0, accurate at both ends.

    Mind the sign: the argument is positive. It is the logarithm of 1 - p for the log-probability log(p) = -x. The plain
    formula loses all its digits for small x, where exp(-x) rounds to 1 and the logarithm is that of 0, and for large
    x, where 1 - exp(-x) rounds to 1.

    Args:
        x: positive, any shape, float or integer. What is 0 or below counts as 0.

    Returns:
        The logarithm in the dtype of `x`; at 0 it is `log(0)` of this module, with the slope 0. The slope elsewhere is
        1 / (exp(x) - 1), at most the largest number of the dtype.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.log1mexp([1e-30, 1.0, 100.0])).round(4).tolist()
        [-69.07759857177734, -0.4587000012397766, -0.0]

    The split at log(2) is that of Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    smallest = RANGES[dtype].smallest
    return keras.ops.cast(_log1mexp(keras.ops.where(x < smallest, smallest, x)), dtype)
