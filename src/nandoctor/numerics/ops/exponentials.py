"""What is made of exponentials: softplus, log cosh, the logarithm of a sum of exponentials."""

from __future__ import annotations

import functools
import math

import keras

from nandoctor.numerics.ops.axes import Axis, axes_of, without_axes
from nandoctor.numerics.ops.bounds import at_most, finite
from nandoctor.numerics.ops.gradients import Function, remembering, with_gradient
from nandoctor.numerics.ops.precision import Tensor, constant, range_of, result_dtype
from nandoctor.numerics.ops.slopes import with_slopes
from nandoctor.numerics.ops.symbolic import symbolic
from nandoctor.numerics.ops.widening import narrow, widen


def _stable_softplus(x: Tensor) -> Tensor:
    ops = keras.ops
    return ops.where(x < 0, 0, x) + ops.log1p(ops.exp(-ops.abs(x)))


def _sigmoid_slope(x: Tensor) -> Tensor:
    return sigmoid(x) * sigmoid(-x)


sigmoid = with_slopes(keras.ops.sigmoid, _sigmoid_slope)
"""The logistic function; its derivative does not cancel at the upper end."""

_softplus = with_slopes(_stable_softplus, sigmoid)


@symbolic
def softplus(x: Tensor) -> Tensor:
    """`log(1 + exp(x))` for every x.

    Replaces `log(1 + exp(x))`, where exp overflows at x = 89 in float32 (11 in float16) and whose gradient is then
    inf / inf = NaN; and for x below -17 the plain formula is 0.

    Args:
        x: any shape, float or integer.

    Returns:
        The value in the dtype of `x`; about x for large x. Its slope is the logistic function.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.softplus([-1e4, 0.0, 1e4])).round(3).tolist()
        [0.0, 0.6930000185966492, 10000.0]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    return keras.ops.cast(_softplus(x), dtype)


def log1p_exp(x: Tensor) -> Tensor:
    """Another name of `softplus`."""
    return softplus(x)


def _squared_sech(x: Tensor) -> Tensor:
    e = keras.ops.exp(-2 * keras.ops.abs(x))
    return 4 * e / keras.ops.square(1 + e)


def _stable_tanh(x: Tensor) -> Tensor:
    ops = keras.ops
    shrunk = ops.expm1(-2 * ops.abs(x))
    return ops.sign(x) * -shrunk / (2 + shrunk)


_tanh = with_slopes(_stable_tanh, _squared_sech)


def _stable_logcosh(x: Tensor) -> Tensor:
    ops = keras.ops
    size = ops.abs(x)
    grown = ops.expm1(ops.where(size < 1, size, 1))
    near = ops.log1p(ops.square(grown) / (2 * (1 + grown)))
    far = size + ops.log1p(ops.exp(-2 * size)) - math.log(2)
    return ops.where(size < 1, near, far)


_logcosh = with_slopes(_stable_logcosh, _tanh)


@symbolic
def logcosh(x: Tensor) -> Tensor:
    """`log(cosh(x))` for every x: x squared / 2 near 0, |x| - log(2) far from it.

    Replaces `log(cosh(x))`, where cosh overflows at x = 89 in float32, and `x + softplus(-2 x) - log(2)`, which is
    rounding noise near 0.

    Args:
        x: any shape, float or integer.

    Returns:
        The value in the dtype of `x`. Its slope is tanh(x), its second derivative 1 / cosh(x) squared: 1 at 0.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.logcosh([0.0, 1e30])).tolist()
        [0.0, 1.0000000150474662e+30]
    """
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    return keras.ops.cast(_logcosh(x), dtype)


def shifted_exponentials(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """exp(x - shift), its sum over the axes (0 for a row of -inf only), and the shift, finite always."""
    ops = keras.ops
    largest = range_of(x).largest
    x = at_most(x, largest)
    top = ops.max(x, axis=axes, keepdims=True, initial=-math.inf)
    shift = ops.stop_gradient(ops.where(top < -largest, 0, top))
    found = ops.exp(x - shift)
    total = ops.sum(found, axis=axes, keepdims=True)
    return found, total, shift


@functools.cache
def open_softmax(axes: tuple[int, ...]) -> Function:
    """The softmax over some axes; zeros where all entries are -inf."""

    def value(x: Tensor) -> Tensor:
        found, total, _ = shifted_exponentials(x, axes)
        return found / keras.ops.where(total == 0, 1, total)

    def gradient(upstream: Tensor, found: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        mean = keras.ops.sum(found * upstream, axis=axes, keepdims=True)
        return (found * finite(upstream - mean),)

    return remembering(value, gradient)


@symbolic
def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` over some axes.

    Replaces the plain formula, where exp overflows, and those that shift by the maximum, which give
    -inf - -inf = NaN for a row that is -inf throughout (all its entries masked away).

    Args:
        x: any shape, float or integer; -inf is an entry that is left out.
        axis: axis or axes to sum over; None for all.
        keepdims: whether these stay, with length 1.

    Returns:
        The value in the dtype of `x`; of a row of -inf only (or of no entry) minus the largest number of the
        dtype, with gradient 0. +inf counts as the largest number. The gradient is the softmax.

    Raises:
        TypeError: the dtype is not float16, bfloat16, float32, float64 or an integer.
        ValueError: `axis` is not one of `x`.

    Example:
        >>> import numpy as np
        >>> from nandoctor import ops
        >>> np.asarray(ops.logsumexp([[1000.0, -np.inf], [3.0, -np.inf]], axis=-1)).tolist()
        [1000.0, 3.0]
    """
    ops = keras.ops
    dtype = result_dtype(x)
    (x,) = widen(dtype, x, bound=False)
    axes = axes_of(x, axis)

    def value(x: Tensor) -> Tensor:
        _, total, shift = shifted_exponentials(x, axes)
        empty = total == 0
        full = ops.log(ops.where(empty, 1, total)) + shift
        return ops.where(empty, constant(-range_of(x).largest, x), full)

    def gradient(upstream: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (upstream * open_softmax(axes)(x),)

    return without_axes(narrow(with_gradient(value, gradient)(x), dtype, bound=False), axes, keepdims)
