"""Powers of two that bring numbers to where their squares neither overflow nor vanish."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from nandoctor.numerics.ops.precision import Tensor, dtype_of


@dataclass(frozen=True, slots=True)
class Steps:
    """Numbers from `high` on are multiplied by `down`, those below `low` by `up`, and the others are left."""

    high: float
    low: float
    down: float
    up: float


# The range of exponents in three parts. A power of two rounds nothing, and for ordinary numbers it is 1: the result
# is that of the plain formula to the last bit.
STEPS = {
    "float32": Steps(high=2.0**42, low=2.0**-42, down=2.0**-86, up=2.0**84),
    "float64": Steps(high=2.0**340, low=2.0**-340, down=2.0**-683, up=2.0**682),
}


def largest_magnitude(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The largest |x| over the axes, which stay with length 1; no gradient."""
    return keras.ops.stop_gradient(keras.ops.max(keras.ops.abs(x), axis=axes, keepdims=True, initial=0))


def scale_and_back(magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """The power of two for numbers up to this magnitude, and its inverse."""
    ops, steps = keras.ops, STEPS[dtype_of(magnitude)]
    large, small = magnitude >= steps.high, magnitude < steps.low
    one = ops.ones_like(magnitude)
    scale = ops.where(large, one * steps.down, ops.where(small, one * steps.up, one))
    back = ops.where(large, one / steps.down, ops.where(small, one / steps.up, one))
    return scale, back
