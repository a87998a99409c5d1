"""The trainings that are measured, on data made up in memory."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def _repeated(x: np.ndarray, y: np.ndarray, batch: int) -> Any:
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch, drop_remainder=True).cache().repeat()


def mlp(batch: int = 256, **options: Any) -> tuple[Any, Any]:
    """Two dense layers on 784 numbers: a step of a few milliseconds."""
    model = keras.Sequential([keras.Input((784,)), layers.Dense(512, activation="relu"), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(batch * 4, 784)).astype("float32"), rng.integers(0, 10, batch * 4)
    return model, _repeated(x, y, batch)


def resnet(batch: int = 64, blocks: int = 3, **options: Any) -> tuple[Any, Any]:
    """A ResNet-20 for images of 32x32, as He et al. (2015) had for CIFAR-10."""
    inputs = keras.Input((32, 32, 3))
    x = _conv(inputs, 16, 1)
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            shortcut = x if stride == 1 else _conv(x, filters, stride, size=1, activate=False)
            x = layers.ReLU()(layers.Add()([_conv(_conv(x, filters, stride), filters, 1, activate=False), shortcut]))
    outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, **options)
    rng = np.random.default_rng(0)
    x_train, y_train = rng.normal(size=(batch * 2, 32, 32, 3)).astype("float32"), rng.integers(0, 10, batch * 2)
    return model, _repeated(x_train, y_train, batch)


def _conv(x: Any, filters: int, stride: int, size: int = 3, *, activate: bool = True) -> Any:
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if activate else x
