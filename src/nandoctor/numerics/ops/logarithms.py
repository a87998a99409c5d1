"""Logarithms."""

from __future__ import annotations

import functools

import keras

from nandoctor.numerics.ops.bounds import at_least, at_most, finite, product
from nandoctor.numerics.ops.gradients import Function, remembering, with_gradient
from nandoctor.numerics.ops.precision import RANGES, Tensor, result_dtype
from nandoctor.numerics.ops.quotients import quotient_or_zero
from nandoctor.numerics.ops.slopes import broadcast
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


@functools.lru_cache(maxsize=128)
def log_from(smallest: float) -> Function:
    """The logarithm, constant below `smallest`."""

    def value(x: Tensor) -> Tensor:
        return keras.ops.log(at_least(x, smallest))

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (quotient_or_zero(upstream, x, at_least(x, smallest), x < smallest),)

    return with_gradient(value, gradient)


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
    (x,) = widen(dtype, x, bound=False)
    return keras.ops.cast(log_from(RANGES[dtype].smallest)(x), dtype)


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
    x, y = broadcast(*widen(dtype, x, y, bound=False))
    smallest = RANGES[dtype].smallest
    low = y < smallest
    lost = ops.logical_and(x == 0, ops.logical_or(low, ops.logical_not(ops.isfinite(y))))
    y = ops.where(lost, 1, y)
    found = _xlogy(x, y, log_from(smallest)(y), at_least(y, smallest), ops.logical_or(low, lost))
    return narrow(found, dtype, bound=False)


def _product_with_log(x: Tensor, y: Tensor, logarithm: Tensor, harmless: Tensor, flat: Tensor) -> Tensor:
    return finite(x * logarithm)


def _by_factor_and_argument(
    upstream: Tensor, x: Tensor, y: Tensor, logarithm: Tensor, harmless: Tensor, flat: Tensor
) -> tuple[Tensor | None, ...]:
    by_argument = product(upstream, quotient_or_zero(x, y, harmless, flat))
    return product(upstream, logarithm), by_argument, None, None, None


_xlogy = with_gradient(_product_with_log, _by_factor_and_argument)


def _two_branches(x: Tensor, rest: Tensor, whole: Tensor, low: Tensor) -> Tensor:
    # the branch that is not taken does not reach log(0)
    ops = keras.ops
    return ops.where(rest > 0.5, ops.log(whole), ops.log1p(-at_most(rest, 0.75)))


def _rest_over_whole(x: Tensor, rest: Tensor, whole: Tensor, low: Tensor) -> Tensor:
    # 1 / (exp(x) - 1), written so that a large x does not overflow
    return keras.ops.where(low, 0, rest / whole)


def _slope_of_slope(
    upstream: Tensor, slope: Tensor, x: Tensor, rest: Tensor, whole: Tensor, low: Tensor
) -> tuple[Tensor | None, ...]:
    return product(upstream, product(slope, -1 - slope)), None, None, None


_slope = remembering(_rest_over_whole, _slope_of_slope)


def _by_exponent(upstream: Tensor, *operands: Tensor) -> tuple[Tensor | None, ...]:
    return product(upstream, _slope(*operands)), None, None, None


_log1mexp = with_gradient(_two_branches, _by_exponent)
"""Of x, exp(-x), 1 - exp(-x), and where x is too small to count."""


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
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    smallest = RANGES[dtype].smallest
    down = -at_least(x, smallest)
    return ops.cast(_log1mexp(x, ops.exp(down), -ops.expm1(down), x < smallest), dtype)
