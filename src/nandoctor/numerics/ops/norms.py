"""Length and direction of vectors, and the standard deviation, which is the length of what is left without the mean."""

from __future__ import annotations

import functools
import math

import keras

from nandoctor.numerics.ops.axes import Axis, axes_of, count_over, mean_over, without_axes
from nandoctor.numerics.ops.gradients import Function, with_gradient
from nandoctor.numerics.ops.precision import Tensor, constant, range_of, result_dtype
from nandoctor.numerics.ops.quotients import quotient
from nandoctor.numerics.ops.scaling import largest_magnitude, scale_and_back
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


@functools.cache
def length_over(axes: tuple[int, ...]) -> Function:
    """The Euclidean length over the axes, which stay with length 1."""

    def value(x: Tensor) -> Tensor:
        scale, back = scale_and_back(largest_magnitude(x, axes))
        return keras.ops.sqrt(keras.ops.sum(keras.ops.square(x * scale), axis=axes, keepdims=True)) * back

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (upstream * direction_over(axes)(x),)

    return with_gradient(value, gradient)


@functools.cache
def direction_over(axes: tuple[int, ...]) -> Function:
    """The vector of length 1 over the axes; 0 without a gradient where all entries are 0."""
    ops = keras.ops

    def value(x: Tensor) -> Tensor:
        magnitude = largest_magnitude(x, axes)
        zero = magnitude < range_of(x).smallest
        scale, _ = scale_and_back(magnitude)
        scaled = x * scale
        length = ops.where(zero, 1, ops.sqrt(ops.sum(ops.square(scaled), axis=axes, keepdims=True)))
        # Small entries would vanish if they were scaled down first. The length stays scaled: XLA multiplies by its
        # inverse, which would be flushed to 0 for one near the end of the range.
        down = scale < 1
        found = ops.where(down, x, scaled) / length * ops.where(down, scale, 1)
        return ops.where(zero, 0, found)

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        unit, length = direction_over(axes)(x), length_over(axes)(x)
        along = ops.sum(unit * upstream, axis=axes, keepdims=True)
        zero = largest_magnitude(x, axes) < range_of(x).smallest
        across = upstream - unit * along
        length = ops.where(zero, 1, length) + ops.zeros_like(x)
        return (ops.where(zero, 0, quotient(across, length)),)

    return with_gradient(value, gradient)


@symbolic
def norm(x: Tensor, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """The Euclidean norm, with gradient 0 at the zero vector.

    Replaces `sqrt(sum(x ** 2))` and `norm(x)`, whose gradient at the zero vector is 0 / 0 = NaN, whose squares
    overflow from 2e19 on in float32 (256 in float16), and vanish below 1e-19. Adding an epsilon under the root
    avoids only the first, and is wrong for short vectors.

    Args:
        x: any shape, float or integer.
        axis: axis or axes that hold the vector; None for all.
        keepdims: whether these stay, with length 1.

    Returns:
        The norm in the dtype of `x`, at most its largest number. The gradient is the direction, a vector of length 1.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.norm([[3.0, 4.0], [2.0**100, 0.0], [0.0, 0.0]])).tolist()
        [5.0, 1.2676506002282294e+30, 0.0]

    Scaling before squaring is that of Blue, "A portable Fortran program to find the Euclidean norm of a vector",
    1978; here by powers of two alone, so that ordinary vectors give what the plain formula gives.
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    axes = axes_of(x, axis)
    return without_axes(narrow(length_over(axes)(x), dtype), axes, keepdims)


@symbolic
def normalize(x: Tensor, axis: Axis = -1) -> Tensor:
    """`x` divided by its norm; the zero vector stays the zero vector.

    Replaces `x / norm(x)`, which is 0 / 0 = NaN at the zero vector (the embedding of a black image, or after a dead
    layer), and `l2_normalize` with an epsilon, whose result is shorter than 1 for short vectors. Squares that would
    overflow or vanish are scaled first, as in `norm`.

    Args:
        x: any shape, float or integer.
        axis: axis or axes that hold the vector; None for all.

    Returns:
        Vectors of length 1 in the dtype of `x`; 0 with gradient 0 where the vector is 0.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.normalize([[0.0, 2e-30], [0.0, 0.0]])).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    return keras.ops.cast(direction_over(axes_of(x, axis))(x), dtype)


def _centred(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """What is left of scaled `x` without its mean (exactly 0 where all entries are equal), and the way back."""
    ops = keras.ops
    high = ops.max(x, axis=axes, keepdims=True)
    low = ops.min(x, axis=axes, keepdims=True)
    scale, back = scale_and_back(largest_magnitude(x, axes))
    large = scale < 1  # small numbers need no help before they are squared
    y = x * ops.where(large, scale, 1)
    rest = y - mean_over(y, axes)
    # The mean is rounded, which matters where it is large against the spread; that of the rest is not.
    rest = rest - mean_over(rest, axes)
    return ops.where(high == low, 0, rest), ops.where(large, back, 1)


@symbolic
def std(x: Tensor, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The standard deviation, with gradient 0 where all entries are equal.

    Replaces `std(x)` and `sqrt(var(x))`, whose gradient for constant entries is 0 / 0 = NaN (a black image, a batch of
    one), and whose squares overflow from 2e19 on in float32, or vanish.

    Args:
        x: any shape, float or integer.
        axis: axis or axes to join; None for all.
        keepdims: whether these stay, with length 1.
        ddof: what is taken from the number of entries to divide by; 1 for the unbiased variance.

    Returns:
        The standard deviation in the dtype of `x`, at most its largest number. It is 0, with gradient 0,
        where all entries are equal and where there are not more of them than `ddof`.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`, or has no entries.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> [round(float(spread), 6) for spread in np.asarray(ops.std([[1.0, 3.0], [7.0, 7.0]], axis=-1))]
        [1.0, 0.0]
    """
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x)
    axes = axes_of(x, axis)
    if any(x.shape[a] == 0 for a in axes):
        raise ValueError(f"std over the axes {axes} of a tensor with the shape {tuple(x.shape)}: there are no entries")
    freedom = count_over(x, axes) - ddof
    divisor = ops.where(freedom > 0, ops.sqrt(ops.where(freedom > 0, freedom, 1)), constant(math.inf, x))

    def value(x: Tensor) -> Tensor:
        rest, back = _centred(x, axes)
        return length_over(axes)(rest) / divisor * back

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (upstream / divisor * direction_over(axes)(_centred(x, axes)[0]),)

    return without_axes(narrow(with_gradient(value, gradient)(x), dtype), axes, keepdims)
