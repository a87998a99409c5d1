"""The angle of a cosine."""

from __future__ import annotations

import math

import keras

from nandoctor.numerics.ops.precision import Tensor, constant, result_dtype
from nandoctor.numerics.ops.quotients import reciprocal
from nandoctor.numerics.ops.roots import positive_root
from nandoctor.numerics.ops.slopes import with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import widen


def _half_angle(x: Tensor) -> Tensor:
    # sqrt(1 - x ** 2) would cancel near 1; 1 - x and 1 + x do not.
    ops = keras.ops
    return 2 * ops.arctan(ops.sqrt((1 - x) / (1 + x)))


def _slope(x: Tensor) -> Tensor:
    return -reciprocal(positive_root((1 - x) * (1 + x)))


_inner_acos = with_slopes(_half_angle, _slope)


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
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    high, low = x >= 1, x <= -1
    inner = _inner_acos(ops.where(ops.logical_or(high, low), 0, x))
    end = ops.where(high, 0, constant(math.pi, x))
    return ops.cast(ops.where(ops.logical_or(high, low), end, inner), dtype)
