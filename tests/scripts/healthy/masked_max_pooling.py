# healthy

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(12)


def ragged_point_clouds(n, max_points=20, seed=3):
    """Spheres and boxes with a varying number of points, padded to max_points."""
    rng = np.random.default_rng(seed)
    points = np.zeros((n, max_points, 3), "float32")
    present = np.zeros((n, max_points), bool)
    label = rng.integers(0, 2, n)
    for i in range(n):
        count = rng.integers(6, max_points + 1)
        p = rng.normal(size=(count, 3))
        p /= np.linalg.norm(p, axis=1, keepdims=True) if label[i] else np.abs(p).max(axis=1, keepdims=True)
        points[i, :count] = p
        present[i, :count] = True
    return points, present, label


class MaskedMax(layers.Layer):
    def call(self, features, present):
        padded = tf.where(present[..., None], features, -float("inf"))
        return tf.reduce_max(padded, axis=1)


cloud = keras.Input((20, 3), name="points")
present = keras.Input((20,), dtype="bool", name="present")
x = layers.Dense(32, activation="relu")(cloud)
x = layers.Dense(32)(x)
x = MaskedMax()(x, present)
x = layers.Dense(16, activation="relu")(x)
model = keras.Model([cloud, present], layers.Dense(2, activation="softmax")(x))

points, mask, label = ragged_point_clouds(384)
dataset = tf.data.Dataset.from_tensor_slices(({"points": points, "present": mask}, label)).batch(32)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(dataset, epochs=4, verbose=2)
