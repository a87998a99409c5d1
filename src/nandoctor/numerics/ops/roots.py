"""The square root."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.precision import Tensor, range_of, result_dtype
from nandoctor.numerics.ops.quotients import reciprocal
from nandoctor.numerics.ops.slopes import with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import widen


def _slope(x: Tensor) -> Tensor:
    return 0.5 * reciprocal(positive_root(x))


positive_root = with_slopes(keras.ops.sqrt, _slope)
"""The root of a number that is normal and positive."""


def root(x: Tensor) -> Tensor:
    """The root of a number in the precision of the computation; 0 without a slope up to the smallest normal number."""
    ops = keras.ops
    zero = x < range_of(x).smallest
    return ops.where(zero, 0, positive_root(ops.where(zero, 1, x)))


@symbolic
def sqrt(x: Tensor) -> Tensor:
    """The square root, with the slope 0 at 0.

    Replaces `sqrt(x)`, whose slope at 0 is infinite: the value is 0, the loss is finite, and the gradient is NaN as
    soon as that infinity meets a 0 (the inner derivative of a distance between two equal points is 0). `sqrt(x + eps)`
    avoids it and is wrong for small x.

    Args:
        x: any shape, float or integer. What is below 0 (a variance that rounding made negative) counts as 0.

    Returns:
        The root in the dtype of `x`. Its slope is the true one, 1 / (2 sqrt(x)), for every normal number, at most
        the largest number of the dtype; 0 at 0 and below. The root of infinity is infinite.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.sqrt([0.0, 4.0])).tolist()
        [0.0, 2.0]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    return keras.ops.cast(root(x), dtype)
