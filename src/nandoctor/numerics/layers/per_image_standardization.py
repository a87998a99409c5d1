"""Standardise each image by its own mean and deviation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

_AXES = (-3, -2, -1)
_LARGE = 1e12
"""Beyond it the squares of a few million pixels might not be finite in float32."""


@keras.saving.register_keras_serializable("nandoctor")
class PerImageStandardization(keras.layers.Layer):  # type: ignore[misc]
    """Shift and scale each image to mean 0 and deviation 1, and a constant image to zeros.

    Written by hand, `(x - mean) / std` is 0 / 0 on a black image, and its gradient is NaN there as well. This is
    `tf.image.per_image_standardization` for every backend: the deviation is taken to be at least 1 / sqrt(n), with n
    the number of values of an image. Beyond what that one does, images with values up to the end of float32 do not
    overflow, a constant image becomes exactly 0 whatever its value, and the gradient is finite.

    Inputs are `(..., height, width, channels)`, of any float or integer dtype, with any number of channels; channels
    first is as good, since the mean is over the last three axes. The result has the layer's dtype. An image with a NaN
    or an infinity comes out as NaN, and no other with it.

    Raises:
        ValueError: if the input has fewer than three axes.

    >>> import numpy as np
    >>> images = np.stack([np.zeros((2, 2, 1)), np.array([[[1.0], [3.0]], [[1.0], [3.0]]])])
    >>> np.array(PerImageStandardization()(images)).reshape(2, 4).tolist()
    [[0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(self, **options: Any) -> None:
        # Cast in `call` and not before it: Keras would make infinity of 1e5 in a float16 model.
        super().__init__(autocast=False, **options)

    def call(self, images: Any) -> Any:
        """Standardise one image or a batch."""
        shape = ops.shape(images)
        _check_rank(shape)
        values = ops.cast(images, keras.backend.result_type(images.dtype, "float32"))
        count = ops.cast(ops.prod(ops.convert_to_tensor(shape[-3:])), values.dtype)
        return ops.cast(_standardised(values, count), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        _check_rank(input_shape)
        return input_shape


def _check_rank(shape: Any) -> None:
    if len(shape) < 3:
        raise ValueError(
            f"The input has shape {tuple(shape)}. Images are (height, width, channels), or a batch of them; add the "
            "axis of a single channel with x[..., None]."
        )


def _standardised(values: Any, count: Any) -> Any:
    high, low = (ops.stop_gradient(f(values, axis=_AXES, keepdims=True)) for f in (ops.max, ops.min))
    peak = ops.maximum(ops.abs(high), ops.abs(low))
    one = ops.ones_like(peak)
    unit = ops.where(peak > _LARGE, peak * 0.125, one)  # the reciprocal of the largest number is not a normal one
    scaled = values / unit
    centred = scaled - ops.mean(scaled, axis=_AXES, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=_AXES, keepdims=True)
    least = ops.rsqrt(count) / unit
    # The root is taken of a number above 0 alone: its slope is infinite at 0, also where a maximum does not choose it.
    safe = ops.where(variance > np.finfo("float32").tiny, variance, one)
    deviation = ops.where(variance > np.finfo("float32").tiny, ops.sqrt(safe), ops.zeros_like(variance))
    divisor = ops.maximum(deviation, ops.maximum(least, np.finfo("float32").tiny))
    # The mean of equal numbers may come out beside them. Subtracted from itself it is 0, and has its slope still.
    return ops.where(high > low, centred, centred - ops.stop_gradient(centred)) / divisor
