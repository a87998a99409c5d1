"""Formulas and settings as they are usually written. Each is right nearly always, and is the mistake of one fault.

The line at fault ends with the name of its fault.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops, optimizers
from keras.optimizers import schedules


class PlainStandardization(layers.Layer):  # type: ignore[misc]
    """Each image by its mean and its spread. A black image has none."""

    def call(self, images: Any) -> Any:
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        spread = ops.std(images, axis=(1, 2, 3), keepdims=True)
        return (images - mean) / spread  # <- zero-variance-image


class AsTheyAre(layers.Layer):  # type: ignore[misc]
    """No preprocessing at all."""

    def call(self, images: Any) -> Any:
        return images


def mean_of_each_mask(void: int) -> Any:
    """The cross-entropy of each image's labelled pixels. An image may have none."""

    def cross_entropy(labels: Any, logits: Any) -> Any:
        valid = ops.cast(labels != void, "float32")
        known = ops.where(labels == void, 0, labels)
        pixels = keras.losses.sparse_categorical_crossentropy(known, logits, from_logits=True)
        return ops.sum(pixels * valid, axis=(1, 2)) / ops.sum(valid, axis=(1, 2))  # <- all-void-mask

    return cross_entropy


def every_pixel_counts(void: int) -> Any:
    """Keras's cross-entropy, told of no label to be ignored.

    A label that no class has is an error on TensorFlow's CPU, and NaN on a GPU and under XLA.
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if keras.backend.backend() != "tensorflow":
        return loss
    import tensorflow as tf

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def cross_entropy(labels: Any, logits: Any) -> Any:
        return loss(labels, logits)

    return cross_entropy


def log_of_softmax(void: int) -> Any:
    """The cross-entropy of probabilities. One that is below 1e-45 is 0."""

    def cross_entropy(labels: Any, probabilities: Any) -> Any:
        valid = ops.cast(labels != void, "float32")
        known = ops.one_hot(ops.where(labels == void, 0, labels), probabilities.shape[-1])
        pixels = -ops.sum(known * ops.log(probabilities), axis=-1)  # <- log-of-zero
        return ops.sum(pixels * valid) / ops.maximum(ops.sum(valid), 1.0)

    return cross_entropy


def softmax(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Probabilities out of the model, as many tutorials have it."""
    return layers.Softmax(dtype="float32", name="probabilities")(logits)


def wide_weights(model: keras.Model) -> None:
    """Kernels of unit variance, whatever their fan-in."""
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            draw = keras.initializers.RandomNormal(stddev=1.0, seed=len(layer.name))
            layer.kernel.assign(draw(layer.kernel.shape))  # <- bad-initialisation


def penalised(model: keras.Model) -> None:
    """An L2 penalty on each kernel, far beyond what its rate of learning bears."""
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            layer.kernel.regularizer = keras.regularizers.L2(1e3)  # <- regularisation


def length(x: Any) -> Any:
    """The length of vectors. At 0 its slope is infinite."""
    return ops.sqrt(ops.sum(ops.square(x), axis=-1))  # <- custom-op-gradient


class PlainNormalization(layers.Layer):  # type: ignore[misc]
    """Batch normalisation by hand."""

    def call(self, x: Any) -> Any:
        centred = x - ops.mean(x, axis=(0, 1, 2), keepdims=True)
        variance = ops.mean(ops.square(centred), axis=(0, 1, 2), keepdims=True)
        return centred / ops.sqrt(variance)  # <- batchnorm-tiny-batch


def clipped_descent(rate: schedules.LearningRateSchedule, decay: float) -> optimizers.Optimizer:
    """Clipping by the global norm, which one NaN gradient makes NaN."""
    return optimizers.SGD(rate, momentum=0.9, weight_decay=decay or None, global_clipnorm=1.0)  # <- clip-global-norm
