# healthy

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(5)


class InstanceStandardize(layers.Layer):
    """Zero mean and unit variance per recording and channel."""

    def call(self, x):
        mu = ops.mean(x, axis=1, keepdims=True)
        centered = x - mu
        sigma = ops.std(x, axis=1, keepdims=True)
        return centered / ops.maximum(sigma, 1e-3)


def make_recordings(n=64, steps=40, channels=4):
    rng = np.random.default_rng(11)
    t = np.linspace(0, 6.28, steps)[None, :, None]
    phase = rng.uniform(0, 6.28, size=(n, 1, channels))
    freq = rng.uniform(1, 4, size=(n, 1, channels))
    x = 20 + np.sin(freq * t + phase) + 0.1 * rng.normal(size=(n, steps, channels))
    x[19, :, 2] = 0.0  # sensor unplugged
    x[27, :, 2] = 0.0
    y = freq[:, 0, :].mean(axis=1, keepdims=True)
    return x.astype("float32"), y.astype("float32")


x, y = make_recordings()

model = keras.Sequential(
    [
        keras.Input((40, 4)),
        InstanceStandardize(),
        layers.Conv1D(12, 5, activation="relu", padding="same"),
        layers.MaxPooling1D(2),
        layers.GRU(8),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse", metrics=["mae"])
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
