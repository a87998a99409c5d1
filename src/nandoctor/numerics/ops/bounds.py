"""Values and gradients that end at the largest number instead of at infinity."""

from __future__ import annotations

import functools
from typing import Any

import keras

from nandoctor.numerics.ops.gradients import Function, with_gradient
from nandoctor.numerics.ops.precision import Tensor, constant, range_of


def clipped(x: Tensor, largest: float) -> Tensor:
    """`x` within +-`largest`. NaN stays NaN, which a minimum or maximum does not promise on every backend."""
    ops = keras.ops
    low, high = constant(-largest, x), constant(largest, x)
    return ops.where(x > high, high, ops.where(x < low, low, x))


def finite(x: Tensor) -> Tensor:
    """`x` within the range of its dtype."""
    return clipped(x, range_of(x).largest)


@functools.cache
def bounded_gradient(largest: float) -> Function:
    """The identity, with a gradient that is clipped to +-`largest`.

    A slope may be beyond the dtype though the value is not (that of a root near 0, in float16). As infinity it would
    become NaN at the first multiplication with 0.
    """

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (clipped(upstream, largest),)

    return with_gradient(_identity, gradient)


def _identity(x: Tensor) -> Tensor:
    return keras.ops.add(x, 0)  # a custom gradient of torch must not hand back the operand itself


@functools.cache
def saturated(largest: float) -> Function:
    """Clips to +-`largest` with the gradient of the identity, so that what is too large can still be trained down."""

    def value(x: Tensor) -> Tensor:
        return clipped(x, largest)

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (upstream,)

    return with_gradient(value, gradient)


def _product(x: Any, y: Any) -> Any:
    return finite(x * y)


def _product_gradient(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    return finite(upstream * y), finite(upstream * x)


product = with_gradient(_product, _product_gradient)
"""`x * y` of one shape; it and its gradient end at the largest number."""
