"""Residual networks (He et al., "Deep residual learning for image recognition", 2016), as a backbone.

`keras.applications` has ResNet50 and deeper with a fixed output stride of 32. Small images and a CPU want ResNet-18,
and segmentation wants an output stride of 16 or 8; here both are parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks in each of the four stages, by depth."""

_BOTTLENECK_FROM = 50
_STEM_STRIDE = {"imagenet": 4, "small": 1}


def resnet(
    images: keras.KerasTensor,
    *,
    depth: int = 18,
    width: int = 64,
    output_stride: int = 32,
    stem: str = "imagenet",
    multi_grid: Sequence[int] = (1, 1, 1),
) -> keras.KerasTensor:
    """The features of the last stage, `(batch, height / output_stride, width / output_stride, 8 * width)`.

    A stage that would exceed `output_stride` keeps its resolution and dilates its convolutions instead, so it sees as
    much of the image as before.

    Args:
        images: `(batch, height, width, channels)`, standardised.
        depth: 18, 34, 50 or 101. From 50 on the blocks are bottlenecks, and the features have `32 * width` channels.
        width: channels of the first stage; 64 is the published network.
        output_stride: 8, 16 or 32 with the stem "imagenet"; with "small", which has no stride of its own, 2, 4 or 8.
        stem: "imagenet" (7x7 and a pool, stride 4) or "small" (3x3, stride 1) for images below some 64 pixels.
        multi_grid: dilations within the last stage, as factors (DeepLabv3, section 4.2).

    Raises:
        ValueError: there is no such depth, stem or output stride.

    >>> features = resnet(keras.Input((64, 64, 3)), depth=18, width=8, output_stride=16)
    >>> features.shape
    (None, 4, 4, 64)
    """
    _check(depth, output_stride, stem)
    x = _stem(images, width, stem)
    stride, dilation = _STEM_STRIDE[stem], 1
    for stage, blocks in enumerate(STAGES[depth]):
        step = 1 if stage == 0 else 2
        if stride * step > output_stride:
            step, dilation = 1, dilation * 2
        stride *= step
        for block in range(blocks):
            grid = multi_grid[block % len(multi_grid)] if stage == len(STAGES[depth]) - 1 else 1
            x = _residual(
                x,
                width * 2**stage,
                stride=step if block == 0 else 1,
                dilation=dilation * grid,
                bottleneck=depth >= _BOTTLENECK_FROM,
                name=f"stage{stage + 1}_block{block + 1}",
            )
    return x


def _check(depth: int, output_stride: int, stem: str) -> None:
    if depth not in STAGES:
        raise ValueError(f"depth is {depth}; there are {', '.join(map(str, STAGES))}")
    if stem not in _STEM_STRIDE:
        raise ValueError(f"stem is {stem!r}; there are {', '.join(map(repr, _STEM_STRIDE))}")
    strides = [_STEM_STRIDE[stem] * factor for factor in (2, 4, 8)]
    if output_stride not in strides:
        raise ValueError(f"output_stride is {output_stride}; with the stem {stem!r} it is one of {strides}")


def _stem(images: keras.KerasTensor, width: int, stem: str) -> keras.KerasTensor:
    if stem == "small":
        return _convolution(images, width, 3, name="stem")
    x = _convolution(images, width, 7, stride=2, name="stem")
    return layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)


def _residual(
    x: keras.KerasTensor, filters: int, *, stride: int, dilation: int, bottleneck: bool, name: str
) -> keras.KerasTensor:
    """Convolutions beside a shortcut, which is projected where the shape changes."""
    channels = filters * 4 if bottleneck else filters
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = _convolution(x, channels, 1, stride=stride, activation=None, name=f"{name}_shortcut")
    if bottleneck:
        x = _convolution(x, filters, 1, name=f"{name}_reduce")
        x = _convolution(x, filters, 3, stride=stride, dilation=dilation, name=f"{name}_conv")
        x = _convolution(x, channels, 1, activation=None, name=f"{name}_expand")
    else:
        x = _convolution(x, filters, 3, stride=stride, dilation=dilation, name=f"{name}_conv1")
        x = _convolution(x, channels, 3, dilation=dilation, activation=None, name=f"{name}_conv2")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    *,
    name: str,
    stride: int = 1,
    dilation: int = 1,
    activation: str | None = "relu",
) -> keras.KerasTensor:
    """Convolution, BatchNorm and, but before an addition, ReLU. A stage either strides or dilates, never both."""
    if size == 1 and stride > 1:
        # The same as striding, but TensorFlow 2.21 with oneDNN writes out of bounds in the gradient of a 1x1 convolution
        # with stride 2 (8 channels, an odd batch): a crash, not an error.
        x, stride = layers.AveragePooling2D(1, stride, name=f"{name}_subsample")(x), 1
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_kernel",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_relu")(x) if activation else x
