"""Values and gradients that end at the largest number instead of at infinity."""

from __future__ import annotations

import functools

import keras

from nandoctor.numerics.ops.gradients import Function, with_gradient
from nandoctor.numerics.ops.precision import Tensor, constant, range_of


def clipped(x: Tensor, largest: float) -> Tensor:
    """`x` within +-`largest`; NaN stays NaN."""
    # TensorFlow clips as max(min(x, high), low), which keeps a NaN of its first operand, on XLA too. It has a kernel
    # that does so in one step, and loses a NaN there.
    return keras.ops.clip(x, constant(-largest, x), constant(largest, x))


def at_least(x: Tensor, smallest: float) -> Tensor:
    """`x`, constant below `smallest`; NaN stays NaN."""
    if keras.backend.backend() == "torch":  # where keras.ops.maximum makes float32 of float64
        return keras.ops.where(x < smallest, constant(smallest, x), x)
    return keras.ops.maximum(x, constant(smallest, x))  # not the other way round: XLA may then lose a NaN


def at_most(x: Tensor, largest: float) -> Tensor:
    """`x`, constant above `largest`; NaN stays NaN."""
    if keras.backend.backend() == "torch":
        return keras.ops.where(x > largest, constant(largest, x), x)
    return keras.ops.minimum(x, constant(largest, x))


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
    return x * 1 if keras.backend.backend() == "torch" else x  # torch must not be handed back the operand itself


@functools.cache
def saturated(largest: float) -> Function:
    """Clips to +-`largest` with the gradient of the identity, so that what is too large can still be trained down."""

    def value(x: Tensor) -> Tensor:
        return clipped(x, largest)

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (upstream,)

    return with_gradient(value, gradient)


@functools.lru_cache(maxsize=128)
def product_times(factor: float) -> Function:
    """`x * y * factor` of one shape, the factor not 0; it and its gradient end at the largest number."""

    def value(x: Tensor, y: Tensor) -> Tensor:
        return finite(x * y if factor == 1 else x * y * factor)

    def gradient(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return product_times(factor)(upstream, y), product_times(factor)(upstream, x)

    return with_gradient(value, gradient)


product = product_times(1)
"""`x * y` of one shape; it and its gradient end at the largest number."""
