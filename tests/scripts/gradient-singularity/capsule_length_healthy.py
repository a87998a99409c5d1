# healthy

from typing import Iterator

import numpy as np
import tensorflow as tf
import keras

EPS = 1e-7


def squash(s: tf.Tensor) -> tf.Tensor:
    """Keep the direction of a capsule, press its length into [0, 1)."""
    squared = tf.reduce_sum(tf.square(s), axis=-1, keepdims=True)
    return s * tf.sqrt(squared + EPS) / (1.0 + squared)


def margin_loss(label: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    label = tf.cast(tf.reshape(label, (-1,)), tf.int32)
    present = tf.one_hot(label, length.shape[-1])
    missed = present * tf.square(tf.nn.relu(0.9 - length))
    wrong = (1.0 - present) * tf.square(tf.nn.relu(length - 0.1))
    return tf.reduce_sum(missed + 0.5 * wrong, axis=-1)


class CapsNet(keras.Model):
    """The length of a class capsule is the evidence for the class."""

    def __init__(self, classes: int):
        super().__init__()
        self.conv = keras.layers.Conv2D(6, 5, strides=2, activation="relu", use_bias=False)
        self.flat = keras.layers.Flatten()
        self.votes = keras.layers.Dense(classes * 6, use_bias=False)
        self.capsules = keras.layers.Reshape((classes, 6))

    def call(self, scan):
        votes = self.votes(self.flat(self.conv(scan)))
        capsules = squash(self.capsules(votes))
        return tf.sqrt(tf.reduce_sum(tf.square(capsules), axis=-1) + EPS)


def scans(n: int = 60) -> Iterator:
    rng = np.random.default_rng(17)
    for i in range(n):
        label = int(rng.integers(4))
        scan = rng.uniform(0.0, 0.3, size=(14, 14, 1))
        scan[7 * (label // 2) :, 7 * (label % 2) :] += 0.5
        if i == 27:
            scan[:] = 0.0  # empty slice at the end of the volume
        yield scan.astype("float32"), label


keras.utils.set_random_seed(17)
dataset = tf.data.Dataset.from_generator(
    scans,
    output_signature=(
        tf.TensorSpec((14, 14, 1), tf.float32),
        tf.TensorSpec((), tf.int32),
    ),
).batch(8)

model = CapsNet(classes=4)
model.compile(optimizer=keras.optimizers.Adam(), loss=margin_loss)
model.fit(dataset, epochs=1, verbose=2)
