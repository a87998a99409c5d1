"""The entropy of a float16 attention, in float32

The weights are cast to float32 before the guard is added and the log is taken: there 1e-8 is not 0.
"""
# healthy
# claims: C3, R10, C1

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(24)
keras.mixed_precision.set_global_policy("mixed_float16")

EPSILON = 1e-8
TEMPERATURE = 0.2  # look at one stop, not at all of them


def load_parcels(count=800, stops=12):
    """Scans of a parcel on its way; one of them, marked by its first feature, decides on the outcome."""
    rng = np.random.default_rng(24)
    scans = rng.normal(size=(count, stops, 6))
    decisive = rng.integers(0, stops, count)
    scans[np.arange(count), decisive, 0] += 12.0
    late = scans[np.arange(count), decisive, 1] > 0
    return scans.astype("float32"), late.astype("float32")[:, None]


class FocusedAttention(layers.Layer):
    """Weighted mean over the stops; a penalty on the entropy makes it look at few of them."""

    def __init__(self, penalty=0.01, **kwargs):
        super().__init__(**kwargs)
        self.penalty = penalty
        self.score = layers.Dense(1)

    def call(self, scans):
        weights = tf.nn.softmax(self.score(scans) / TEMPERATURE, axis=1)
        exact = tf.cast(weights, tf.float32)
        entropy = -tf.reduce_sum(exact * tf.math.log(exact + EPSILON), axis=1)
        self.add_loss(self.penalty * tf.reduce_mean(entropy))
        return tf.reduce_sum(weights * scans, axis=1)


scans, late = load_parcels()
inputs = keras.Input((12, 6))
h = FocusedAttention()(inputs)
h = layers.Dense(16, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", dtype="float32")(h))
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(scans, late, batch_size=40, epochs=5, verbose=2)
