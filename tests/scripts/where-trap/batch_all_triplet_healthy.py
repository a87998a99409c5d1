# healthy

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale


def pairwise_distances(z):
    """Euclidean distances of all pairs in the batch; 0 where two points coincide."""
    difference = ops.expand_dims(z, 1) - ops.expand_dims(z, 0)
    squared = ops.sum(ops.square(difference), axis=-1)
    apart = squared > 0.0
    safe = ops.where(apart, squared, 1.0)
    return ops.where(apart, safe**0.5, 0.0)


class BatchAllTriplet(keras.losses.Loss):
    def __init__(self, margin: float = 0.3):
        super().__init__(name="batch_all_triplet", reduction=None)
        self.margin = margin

    def call(self, labels, embeddings):
        labels = ops.reshape(labels, (-1,))
        dist = pairwise_distances(embeddings)
        same = ops.equal(labels[:, None], labels[None, :])
        other = ops.logical_not(ops.cast(ops.eye(ops.shape(labels)[0]), "bool"))
        valid = ops.logical_and(
            ops.logical_and(same, other)[:, :, None],
            ops.logical_not(same)[:, None, :],
        )
        hinge = ops.relu(dist[:, :, None] - dist[:, None, :] + self.margin)
        valid = ops.cast(valid, hinge.dtype)
        return ops.sum(hinge * valid) / (ops.sum(valid) + 1.0)


class Embedder(keras.Model):
    def __init__(self, dim: int = 4):
        super().__init__()
        self.body = keras.layers.Dense(16, activation="leaky_relu")
        self.out = keras.layers.Dense(dim)

    def call(self, x, training=None):
        return self.out(self.body(x))


keras.utils.set_random_seed(14)
features, target = load_breast_cancer(return_X_y=True)
features = scale(features).astype(np.float32)

model = Embedder()
model.compile(optimizer="adam", loss=BatchAllTriplet())
model.fit(features[:512], target[:512], batch_size=32, epochs=1, verbose=2)
