"""DeepLabv3 (Chen et al., "Rethinking atrous convolution for semantic image segmentation", 2017).

A residual network keeps an output stride of 16 or 8 by dilating its last stages; an atrous spatial pyramid looks at its
features with several rates at once, and at the image as a whole; a 1x1 convolution gives each pixel its logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import layers, ops

from nandoctor.clinic.models.resnet import resnet

Normalization = Callable[[str], keras.layers.Layer]
"""Makes the normalisation layer of the given name."""


def batch_normalization(name: str) -> keras.layers.Layer:
    """The published choice."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def deeplabv3(
    images: keras.KerasTensor,
    *,
    classes: int,
    depth: int = 18,
    width: int = 64,
    output_stride: int = 16,
    stem: str = "imagenet",
    multi_grid: Sequence[int] = (1, 2, 4),
    rates: Sequence[int] = (6, 12, 18),
    dropout: float = 0.0,
    pooled_normalization: Normalization = batch_normalization,
) -> keras.KerasTensor:
    """The logits of each pixel: `(batch, height, width, channels)` to `(batch, height, width, classes)`, float32.

    Args:
        images: `(batch, height, width, channels)`, standardised; of any height and width where these are None.
        classes: how many there are, void not counted.
        depth: of the backbone: 18, 34, 50 or 101.
        width: channels of the backbone's first stage; 64 is the published network. The pyramid has four times as many.
        output_stride: 16 or 8 with the stem "imagenet"; 4 or 8 with the stem "small".
        stem: of the backbone: "imagenet" or "small".
        multi_grid: dilations within the last stage, as factors.
        rates: of the pyramid's convolutions at an output stride of 16; they are doubled at 8.
        dropout: the share that is left out before the logits; 0 in the paper.
        pooled_normalization: in the branch that sees the image as a whole. It has one value for each image and
            channel, so over a batch of one image a BatchNormalization has nothing to normalise by.

    >>> images = keras.Input((64, 48, 3))
    >>> deeplabv3(images, classes=6, width=8).shape
    (None, 64, 48, 6)
    """
    features = resnet(images, depth=depth, width=width, output_stride=output_stride, stem=stem, multi_grid=multi_grid)
    rates = [rate * 2 for rate in rates] if output_stride == 8 else list(rates)
    x = _pyramid(features, 4 * width, rates, pooled_normalization)
    if dropout:
        x = layers.Dropout(dropout, name="pyramid_dropout")(x)
    logits = layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)
    return UpsampleTo(dtype="float32", name="upsampled_logits")(logits, images)


def _pyramid(
    features: keras.KerasTensor, filters: int, rates: Sequence[int], pooled_normalization: Normalization
) -> keras.KerasTensor:
    """Atrous spatial pyramid pooling: one point, three rates, and the whole image, side by side."""
    branches = [_convolution(features, filters, 1, name="pyramid_point")]
    branches += [_convolution(features, filters, 3, rate=rate, name=f"pyramid_rate{rate}") for rate in rates]
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="pyramid_pool")(features)
    pooled = _convolution(pooled, filters, 1, name="pyramid_image", normalization=pooled_normalization)
    branches.append(UpsampleTo(name="pyramid_image_upsampled")(pooled, features))
    return _convolution(layers.Concatenate(name="pyramid")(branches), filters, 1, name="projection")


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    *,
    name: str,
    rate: int = 1,
    normalization: Normalization = batch_normalization,
) -> keras.KerasTensor:
    """Convolution, normalisation, ReLU."""
    x = layers.Conv2D(
        filters,
        size,
        dilation_rate=rate,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_kernel",
    )(x)
    return layers.ReLU(name=f"{name}_relu")(normalization(f"{name}_norm")(x))


@keras.saving.register_keras_serializable("nandoctor.clinic")
class UpsampleTo(layers.Layer):  # type: ignore[misc]
    """Bilinear interpolation to the height and width of another tensor.

    `UpSampling2D` knows a factor, which is not whole where the stride does not divide the size of the image.
    """

    def call(self, x: keras.KerasTensor, like: keras.KerasTensor) -> keras.KerasTensor:
        return ops.image.resize(x, ops.shape(like)[1:3], interpolation="bilinear")

    def compute_output_shape(
        self, x_shape: tuple[int | None, ...], like_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (x_shape[0], *like_shape[1:3], x_shape[3])
