"""Rows standardised with the epsilon under the root

The epsilon is added to the variance, before the root, and an empty well has a finite slope.
"""
# healthy
# claims: C1, C9

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(14)


def load_plate(wells=256, channels=20):
    """Spectra of a 16x16 well plate; the dye in a well is what is to be predicted."""
    rng = np.random.default_rng(14)
    dye = rng.integers(0, 3, wells)
    peaks = np.exp(-0.5 * ((np.arange(channels) - np.array([[5], [10], [14]])) / 2.0) ** 2)
    spectra = peaks[dye] * rng.uniform(0.5, 2.0, (wells, 1)) + rng.normal(0, 0.05, (wells, channels))
    spectra[70] = 0.0  # an empty well
    return spectra.astype("float32"), dye


class RowStandardisation(layers.Layer):
    def call(self, x):
        mean = tf.reduce_mean(x, axis=-1, keepdims=True)
        spread = tf.sqrt(tf.math.reduce_variance(x, axis=-1, keepdims=True) + 1e-6)
        return tf.concat([(x - mean) / spread, spread], axis=-1)


spectra, dye = load_plate()
model = keras.Sequential([
    keras.Input((20,)),
    layers.Dense(24, use_bias=False, name="mixing"),
    RowStandardisation(),
    layers.Dense(16, activation="relu"),
    layers.Dense(3, activation="softmax"),
])
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(spectra, dye, batch_size=32, epochs=3, shuffle=False, verbose=2)
