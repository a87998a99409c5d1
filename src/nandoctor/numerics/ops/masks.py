"""Mean and softmax of the entries that count."""

from __future__ import annotations

import math

import keras

from nandoctor.numerics.ops.axes import Axis, axes_of, without_axes
from nandoctor.numerics.ops.exponentials import open_softmax
from nandoctor.numerics.ops.precision import Tensor, result_dtype
from nandoctor.numerics.ops.scaling import largest_magnitude, scale_and_back
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


@symbolic
def masked_mean(x: Tensor, mask: Tensor, axis: Axis = None, keepdims: bool = False, otherwise: float = 0.0) -> Tensor:
    """The mean of the entries where `mask` is true; `otherwise` where there are none.

    Replaces `sum(x * mask) / sum(mask)`, which is 0 / 0 = NaN for an empty mask (no valid label in the batch, no
    triplet), which lets an infinity or NaN through that is masked away (NaN * 0 is NaN), in value and in gradient,
    and whose sum may overflow.

    Args:
        x: any shape, float or integer.
        mask: bool, or numbers of which 0 means false; of a shape that broadcasts with `x`.
        axis: axis or axes to join; None for all.
        keepdims: whether these stay, with length 1.
        otherwise: the mean of nothing.

    Returns:
        The mean in the dtype of `x`. Nothing that is masked away has a part in value or gradient; an empty mask has
        gradient 0.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> x = [[1.0, 3.0, np.nan], [np.inf, 5.0, 7.0]]
        >>> np.asarray(ops.masked_mean(x, [[1, 1, 0], [0, 0, 0]], axis=-1)).tolist()
        [2.0, 0.0]
    """
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    chosen = ops.cast(ops.convert_to_tensor(mask), "bool")
    x = ops.where(chosen, x, 0)
    axes = axes_of(x, axis)
    count = ops.sum(ops.cast(chosen, x.dtype) + ops.zeros_like(x), axis=axes, keepdims=True)
    scale, back = scale_and_back(largest_magnitude(x, axes))
    mean = ops.sum(x * scale, axis=axes, keepdims=True) / ops.where(count > 0, count, 1) * back
    return without_axes(narrow(ops.where(count > 0, mean, otherwise), dtype), axes, keepdims)


@symbolic
def masked_softmax(x: Tensor, mask: Tensor, axis: Axis = -1) -> Tensor:
    """The softmax over the entries where `mask` is true; the others get 0.

    Replaces `softmax(where(mask, x, -inf))`, which is NaN for a row that is masked away entirely (-inf - -inf), and
    `softmax(x - 1e9 * (1 - mask))`, which then attends to what is masked, overflows in half precision, and lets a
    masked NaN through.

    Args:
        x: any shape, float or integer.
        mask: bool, or numbers of which 0 means false; of a shape that broadcasts with `x`.
        axis: axis or axes that sum to 1; None for all.

    Returns:
        The softmax in the dtype of `x`. A row that is masked away entirely is 0, with gradient 0. +inf
        counts as the largest number of the dtype.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.masked_softmax([[1.0, 1.0, np.nan], [1.0, 2.0, 3.0]], [[1, 1, 0], [0, 0, 0]])).tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    x = ops.where(ops.cast(ops.convert_to_tensor(mask), "bool"), x, -math.inf)
    return ops.cast(open_softmax(axes_of(x, axis))(x), dtype)
