"""Formulas as they are published and as users write them down: nothing in them is guarded."""

from __future__ import annotations

import keras
from keras import ops


def squared_distances(embeddings: keras.KerasTensor) -> keras.KerasTensor:
    """Squared euclidean distances between all embeddings of a batch: `(batch, d)` to `(batch, batch)`."""
    dots = ops.matmul(embeddings, ops.transpose(embeddings))
    norms = ops.sum(ops.square(embeddings), axis=1)
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
