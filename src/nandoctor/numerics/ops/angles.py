"""The angle of a cosine."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.bounds import at_least, finite, saturated
from nandoctor.numerics.ops.gradients import remembering
from nandoctor.numerics.ops.precision import Tensor, range_of, result_dtype
from nandoctor.numerics.ops.slopes import with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import widen


def _twice_the_half(x: Tensor) -> Tensor:
    # sqrt(1 - x ** 2) would cancel near 1; 1 - x and 1 + x do not. The smallest number stands for 0, at x = -1.
    ops = keras.ops
    return 2 * ops.arctan(ops.sqrt((1 - x) / at_least(1 + x, range_of(x).smallest)))


def _inner_slope(x: Tensor) -> Tensor:
    ops = keras.ops
    square = (1 - x) * (1 + x)
    end = square == 0
    return ops.where(end, 0, -1 / ops.sqrt(ops.where(end, 1, square)))


def _slope_of_slope(upstream: Tensor, slope: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    return (finite(upstream * x * slope * slope * slope),)


_slope = remembering(_inner_slope, _slope_of_slope)
_angle = with_slopes(_twice_the_half, _slope)
"""Of a cosine from -1 to 1."""


@symbolic
def acos(x: Tensor) -> Tensor:
    """The angle in radians whose cosine is `x`, with the slope 0 at -1 and 1.

    Replaces `acos(x)`, which is NaN for a cosine that rounding put beyond 1 (that of a vector with itself), and whose
    slope is infinite at 1. Clipping to 1 - eps avoids both, and is wrong for small angles.

    Args:
        x: any shape, float or integer. What is beyond -1 or 1 counts as -1 or 1.

    Returns:
        The angle in the dtype of `x`, 0 to pi. Its slope is -1 / sqrt(1 - x squared) inside, 0 at the ends and beyond.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> [round(float(angle), 4) for angle in np.asarray(ops.acos([1.0000001, 0.0]))]
        [0.0, 1.5708]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    return keras.ops.cast(_angle(saturated(1.0)(x)), dtype)
