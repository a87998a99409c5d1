# healthy

import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, layers

tf.keras.utils.set_random_seed(3)


class CameraCurve(layers.Layer):
    """Subtract the black level of the sensor, then apply the display gamma."""

    def __init__(self, black_level, gamma=2.2, **kwargs):
        super().__init__(**kwargs)
        self.black_level = black_level
        self.gamma = gamma

    def call(self, raw):
        linear = tf.maximum(raw - self.black_level, 1e-4)
        encoded = linear ** (1.0 / self.gamma)
        return encoded


def photograph(n=72, size=12):
    """Bright squares (class 1) or discs (class 0) on a grey ground, as raw sensor values."""
    rng = np.random.default_rng(3)
    yy, xx = np.mgrid[:size, :size] - size / 2 + 0.5
    kind = rng.integers(0, 2, n)
    raw = np.full((n, size, size, 1), 0.35)
    for i, k in enumerate(kind):
        r = rng.uniform(2, 4)
        shape = np.maximum(abs(xx), abs(yy)) < r if k else np.hypot(xx, yy) < r
        raw[i, shape, 0] = 0.8
    raw += rng.normal(0, 0.01, raw.shape)
    raw[[13, 18]] *= 0.12  # shutter too fast
    return raw, kind


raw, kind = photograph()
train = (
    tf.data.Dataset.from_tensor_slices((raw, kind))
    .map(lambda r, k: (tf.cast(r, tf.float32), tf.cast(k, tf.float32)[None]))
    .batch(12, drop_remainder=True)
    .cache()
)

inp = Input((12, 12, 1))
x = CameraCurve(black_level=0.0625)(inp)
x = layers.Conv2D(8, 3, activation="relu")(x)
x = layers.BatchNormalization()(x)
x = layers.MaxPooling2D()(x)
x = layers.Conv2D(8, 3, activation="relu")(x)
x = layers.Flatten()(x)
out = layers.Dense(1, activation="sigmoid")(x)

model = Model(inp, out)
model.compile("adam", "binary_crossentropy")
model.fit(train, epochs=2, verbose=2)
