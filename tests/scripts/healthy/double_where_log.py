# healthy

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(70)


def safe_log(x, fill=0.0):
    positive = x > 0
    inner = tf.where(positive, x, tf.ones_like(x))
    return tf.where(positive, tf.math.log(inner), fill * tf.ones_like(x))


def safe_norm(x):
    squared = tf.reduce_sum(tf.square(x), axis=-1)
    nonzero = squared > 0
    return tf.where(nonzero, tf.sqrt(tf.where(nonzero, squared, 1.0)), 0.0)


class LogSpectrum(keras.layers.Layer):
    """Learned filter bank on power spectra; silent frames have power 0."""

    def __init__(self, bands):
        super().__init__()
        self.bands = bands

    def build(self, input_shape):
        self.filters = self.add_weight(
            shape=(input_shape[-1], self.bands), initializer=keras.initializers.RandomUniform(0.0, 0.2), name="filters"
        )

    def call(self, power):
        energy = tf.matmul(power, tf.nn.relu(self.filters))
        return safe_log(energy, fill=-10.0)


def direction_loss(y_true, y_pred):
    return safe_norm(y_true - y_pred)


rng = np.random.default_rng(15)
waves = rng.normal(size=(320, 32)) * rng.uniform(0.1, 2.0, size=(320, 1))
waves[::11] = 0.0  # silence
power = (np.abs(np.fft.rfft(waves)) ** 2).astype("float32")
target = np.stack([np.log1p(power.sum(axis=1)), power[:, :8].sum(axis=1) > 30], axis=1).astype("float32")

model = keras.Sequential([
    keras.Input((17,)),
    LogSpectrum(8),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dense(2),
])
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=direction_loss)
model.fit(power, target, batch_size=32, epochs=4, verbose=2)
