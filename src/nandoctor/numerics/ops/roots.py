"""The square root."""

from __future__ import annotations

import keras

from nandoctor.numerics.ops.gradients import remembering
from nandoctor.numerics.ops.precision import Tensor, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient_or_zero
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import widen


def _value(x: Tensor) -> Tensor:
    ops = keras.ops
    return ops.sqrt(ops.where(x < range_of(x).smallest, 0, x))


def _gradient(upstream: Tensor, found: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    zero = found == 0
    return (quotient_or_zero(0.5 * upstream, found, keras.ops.where(zero, 1, found), zero),)


root = remembering(_value, _gradient)
"""The root of a number in the precision of the computation; 0 without a slope up to the smallest normal number."""


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
    (x,) = widen(dtype, x, bound=False)
    return keras.ops.cast(root(x), dtype)
