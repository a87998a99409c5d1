"""The energy of a loud sound, summed in float16

Under mixed precision a layer sums the squares of 2,000 samples. A loud sound has samples of about 6, their squares add
up to 72,000, and float16 ends at 65,504: the energy is inf, and what it is divided by is NaN.
"""
# cause: half-overflow
# phase: forward
# rows: 10
# step: 2
# claims: C3, R10

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(22)
keras.mixed_precision.set_global_policy("mixed_float16")

SAMPLES = 2000


def load_sounds(count=320):
    """Hums and hisses of different loudness."""
    rng = np.random.default_rng(22)
    hiss = rng.integers(0, 2, count)
    loudness = rng.uniform(0.5, 3.0, count)
    loudness[42] = 6.5  # right beside the microphone
    time = np.arange(SAMPLES) / SAMPLES
    hum = np.sqrt(2) * np.sin(2 * np.pi * rng.uniform(40, 80, (count, 1)) * time)
    sound = np.where(hiss[:, None] == 1, rng.normal(size=(count, SAMPLES)), hum)
    return (loudness[:, None] * sound).astype("float32")[..., None], hiss.astype("float32")[:, None]


class LoudnessInvariant(layers.Layer):
    """Divide a sound by its root mean square, and keep its energy as a feature."""

    def call(self, sound):
        energy = tf.reduce_sum(tf.square(sound), axis=1, keepdims=True)  # <- here
        return sound * tf.sqrt(float(SAMPLES) / energy) - 0.01 * tf.math.log(energy)


sounds, hiss = load_sounds()
model = keras.Sequential([
    keras.Input((SAMPLES, 1)),
    LoudnessInvariant(),
    layers.Conv1D(8, 9, strides=4, activation="relu"),
    layers.GlobalMaxPooling1D(),
    layers.Dense(1, activation="sigmoid", dtype="float32"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(sounds, hiss, batch_size=32, epochs=4, shuffle=False, verbose=2)
