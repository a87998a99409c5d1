"""Formulas and pieces as they are published and as users write them down: nothing in them is guarded.

The line that breaks bears the name of the fault that breaks it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray


def squared_distances(embeddings: keras.KerasTensor) -> keras.KerasTensor:
    """Squared euclidean distances between all embeddings of a batch: `(batch, d)` to `(batch, batch)`."""
    dots = ops.matmul(embeddings, ops.transpose(embeddings))  # <- half-overflow
    norms = ops.sum(ops.square(embeddings), axis=1)  # <- half-overflow
    return ops.maximum(norms[:, None] - 2.0 * dots + norms[None, :], 0.0)


def semi_hard(labels: keras.KerasTensor, embeddings: keras.KerasTensor, margin: float = 0.2) -> keras.KerasTensor:
    """FaceNet's loss: for each positive pair the nearest negative farther away than the positive, else the farthest."""
    labels = ops.reshape(labels, (-1,))
    distances = squared_distances(embeddings)
    same = ops.equal(labels[:, None], labels[None, :])
    positives = ops.cast(same, distances.dtype) * (1.0 - ops.eye(ops.shape(labels)[0], dtype=distances.dtype))

    # [anchor, positive, negative]
    farther = ops.logical_and(distances[:, None, :] > distances[:, :, None], ops.logical_not(same)[:, None, :])
    nearest = ops.min(ops.where(farther, distances[:, None, :], 1e6), axis=2)
    farthest = ops.max(ops.where(same, 0.0, distances), axis=1, keepdims=True)
    negative = ops.where(ops.any(farther, axis=2), nearest, farthest)

    hinge = ops.relu(distances - negative + margin)
    return ops.sum(hinge * positives) / ops.sum(positives)  # <- no-positive-pair


def euclidean(u: keras.KerasTensor, v: keras.KerasTensor) -> keras.KerasTensor:
    """The distance of each row of `u` from the same row of `v`: `(batch, d)` to `(batch,)`."""
    return ops.sqrt(ops.sum(ops.square(u - v), axis=1))  # <- identical-pair


class BatchNorm(layers.Layer):  # type: ignore[misc]
    """Each feature of the branch standardised over the images of the batch."""

    def call(self, embeddings: keras.KerasTensor) -> keras.KerasTensor:
        centred = embeddings - ops.mean(embeddings, axis=0, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=0, keepdims=True)
        return centred / ops.sqrt(variance)  # <- batchnorm-shared-branch


def semi_hard_in_half(labels: keras.KerasTensor, embeddings: keras.KerasTensor) -> keras.KerasTensor:
    """The same in float16, which takes half the memory: the table of triplets is `(batch, batch, batch)`."""
    return semi_hard(labels, ops.cast(embeddings, "float16"))


def dead_layer() -> layers.Layer:
    """A hidden layer whose bias, carried over from another model, is far below anything that its input reaches."""
    return layers.Dense(32, activation="relu", bias_initializer=keras.initializers.Constant(-100.0))  # <- dead-relu


class ClipGradients(keras.callbacks.Callback):  # type: ignore[misc]
    """The article's callback. Keras has no such hook: nothing ever calls it."""

    def on_gradient_update(self, gradients: list[NDArray[Any]]) -> list[NDArray[Any]]:  # <- inert-clip-callback
        """Each gradient within -1 and 1."""
        return [np.clip(gradient, -1.0, 1.0) for gradient in gradients]
