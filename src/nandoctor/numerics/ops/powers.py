"""Powers."""

from __future__ import annotations

import functools

import keras
import numpy as np

from nandoctor.numerics.ops.bounds import finite, product, product_times
from nandoctor.numerics.ops.gradients import Function, remembering, with_gradient
from nandoctor.numerics.ops.logarithms import log_from
from nandoctor.numerics.ops.precision import Tensor, constant, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient, quotient_or_zero
from nandoctor.numerics.ops.slopes import broadcast
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen

WHOLE = 2.0**24
"""Beyond it a float32 has no number that is one less, and with it the sign of a power of a negative base is lost."""


def _saturated_power(x: Tensor, y: Tensor) -> Tensor:
    return finite(x**y)


def _slopes_of_power(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    steep, inner = _parts(x, y)
    return product(upstream, _by_base(x, y, steep, inner)), product(upstream, _by_exponent(x, y))


_plain_power = with_gradient(_saturated_power, _slopes_of_power)
"""Of a base that is normal and positive."""


def _parts(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Where y is 1 or more, and the power of which the power and its slope are made: to y - 1 there, to y elsewhere."""
    steep = y >= 1
    return steep, _plain_power(x, keras.ops.where(steep, y - 1, y))


def _by_base(x: Tensor, y: Tensor, steep: Tensor, inner: Tensor) -> Tensor:
    """`y * x ** (y - 1)`, in an order in which nothing is beyond the dtype unless the slope is."""
    ops = keras.ops
    slight = ops.abs(y) < 1e-3
    first = quotient(ops.where(slight, inner, product(y, inner)), ops.where(steep, 1, x))
    return product(first, ops.where(slight, y, 1))


def _by_exponent(x: Tensor, y: Tensor) -> Tensor:
    # in two halves: the power may overflow alone, and not with a logarithm near 0
    half = _plain_power(x, y / 2)
    # the logarithm of infinity is infinite, and 0 times that is NaN
    return product(product(half, finite(log_from(range_of(x).smallest)(x))), half)


def _from_parts(x: Tensor, y: Tensor, steep: Tensor, inner: Tensor) -> Tensor:
    return finite(inner * keras.ops.where(steep, x, 1))


def _slopes_from_parts(
    upstream: Tensor, x: Tensor, y: Tensor, steep: Tensor, inner: Tensor
) -> tuple[Tensor | None, ...]:
    return product(upstream, _by_base(x, y, steep, inner)), product(upstream, _by_exponent(x, y)), None, None


_power_from_parts = with_gradient(_from_parts, _slopes_from_parts)


@functools.lru_cache(maxsize=128)
def _to_the(number: float) -> Function:
    """The power of a base that is not 0, with a number as its exponent."""

    def value(x: Tensor) -> Tensor:
        return finite(x**number)

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        # whole numbers end at the exponent 0, which has no slope
        return (product_times(number)(upstream, _to_the(number - 1)(x)) if number else keras.ops.zeros_like(x),)

    return with_gradient(value, gradient)


@functools.lru_cache(maxsize=128)
def _steep(number: float) -> Function:
    """`x ** number` of x, for more than 1: the product of `harmless`, which is x where that counts, and `inner`."""

    def value(x: Tensor, harmless: Tensor, inner: Tensor) -> Tensor:
        return finite(inner * harmless)

    def gradient(upstream: Tensor, x: Tensor, harmless: Tensor, inner: Tensor) -> tuple[Tensor | None, ...]:
        return product_times(number)(upstream, inner), None, None

    return with_gradient(value, gradient)


@functools.lru_cache(maxsize=128)
def _shallow(number: float) -> Function:
    """`x ** number` of itself, for less than 1 and not 0; where the bool `zero` holds, what it is at 0."""

    def value(x: Tensor, zero: Tensor, harmless: Tensor, inner: Tensor) -> Tensor:
        return keras.ops.where(zero, 0 if number > 0 else constant(range_of(x).largest, x), inner)

    def gradient(upstream: Tensor, *operands: Tensor) -> tuple[Tensor | None, ...]:
        return product(upstream, _slope_of_shallow(number)(*operands)), None, None, None

    return with_gradient(value, gradient)


@functools.lru_cache(maxsize=128)
def _slope_of_shallow(number: float) -> Function:
    def value(x: Tensor, zero: Tensor, harmless: Tensor, inner: Tensor) -> Tensor:
        # in an order in which nothing is beyond the dtype, or lost below it, unless the slope is
        first = inner / harmless * number if -1e-3 < number < 1 else number * inner / harmless
        return finite(keras.ops.where(zero, 0, first))

    def gradient(
        upstream: Tensor, slope: Tensor, x: Tensor, zero: Tensor, harmless: Tensor, inner: Tensor
    ) -> tuple[Tensor | None, ...]:
        by_base = quotient_or_zero(slope, x, harmless, zero)
        return product_times(number - 1)(upstream, by_base), None, None, None

    return remembering(value, gradient)


def _power_of_number(x: Tensor, number: float) -> Tensor:
    """The power with an exponent that is a number, not 0 or 1: one power is computed, which the slope shares."""
    ops = keras.ops
    whole = number // 1 == number
    if whole and number > 1:
        return _steep(number)(x, x, _to_the(number - 1)(x))
    zero = (ops.abs(x) if whole else x) < range_of(x).smallest
    harmless = ops.where(zero, 1, x)
    if number > 1:
        return _steep(number)(x, harmless, ops.where(zero, 0, _to_the(number - 1)(harmless)))
    return _shallow(number)(x, zero, harmless, _to_the(number)(harmless))


def _power_of_tensor(x: Tensor, y: Tensor) -> Tensor:
    ops = keras.ops
    whole = y // 1 == y  # keras.ops.floor makes float32 of float64 on torch
    zero = ops.logical_or(ops.abs(x) < range_of(x).smallest, ops.logical_and(x < 0, ops.logical_not(whole)))
    base, exponent = ops.abs(ops.where(zero, 1, x)), ops.where(zero, 1, y)
    size = _power_from_parts(base, exponent, *_parts(base, exponent))
    odd = ops.logical_and(whole, y / 2 // 1 * 2 != y)
    signed = ops.where(ops.logical_and(x < 0, odd), -size, size)
    largest, one = constant(range_of(x).largest, x), ops.ones_like(x)
    # at 0 only the exponent 1 has a slope
    at_zero = ops.where(y == 1, x, ops.where(y > 0, 0, ops.where(y < 0, largest, one)))
    return ops.where(zero, at_zero, signed)


def _number_in(y: Tensor, dtype: str) -> float:
    """The exponent as that dtype has it, if it is a number that has an own way to be computed; else 1."""
    if not isinstance(y, int | float | np.number):
        return 1.0
    with np.errstate(over="ignore"):
        number = float(np.asarray(y).astype("float64" if dtype == "float64" else "float32"))
    return number if number and abs(number) <= WHOLE else 1.0


@symbolic
def power(x: Tensor, y: Tensor) -> Tensor:
    """`x ** y`, finite at 0 for every y.

    Replaces `x ** y`, whose slope at 0 is infinite for y < 1 (the modulating factor of a focal loss at p = 1), whose
    derivative by y is 0 * log(0) = NaN there, and which is NaN for a negative x that rounding made.

    Args:
        x: base, any shape, float or integer. A negative base is meant for exponents that are whole numbers; with
            another exponent it counts as 0.
        y: exponent, of a shape that broadcasts with `x`. A Python number is fastest: it has no slope to find.

    Returns:
        The power in the promoted dtype, +-its largest number where it would be beyond (0 to a negative power); 0 to the
        power 0 is 1. The slope by x is y * x ** (y - 1), and 0 at x = 0 for y < 1; that by y is x ** y * log(x),
        and 0 for x <= 0. Both end at the largest number of the dtype. An infinite base gives the limit, which ends
        there too.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.power([0.0, 4.0, -2.0], [0.5, 0.5, 3.0])).tolist()
        [0.0, 2.0, -8.0]
    """
    dtype = result_dtype(x, y)
    number = _number_in(y, dtype)
    if number != 1:
        (x,) = widen(dtype, x, bound=False)
        return narrow(_power_of_number(x, number), dtype, bound=False)
    x, y = broadcast(*widen(dtype, x, y, bound=False))
    return narrow(_power_of_tensor(x, y), dtype, bound=False)
