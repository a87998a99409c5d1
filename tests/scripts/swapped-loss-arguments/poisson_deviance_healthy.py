# healthy

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(314)

BATCH = 16


def poisson_loss(count, rate):
    count = tf.cast(count, rate.dtype)
    return tf.reduce_mean(
        rate
        - count * tf.math.log(rate),
        axis=-1,
    )


def bike_rentals(hours=96):
    rng = np.random.default_rng(2)
    hour = np.arange(hours)
    temperature = 12 + 6 * np.sin(hour / 24 * 2 * np.pi) + rng.normal(0, 1, hours)
    x = np.stack([np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), temperature / 10], axis=1)
    riders = 1 + rng.poisson(np.exp(0.3 + 0.9 * x[:, 2]))
    riders[[18, 29]] = 0
    riders[60:64] = 0
    return x.astype("float32"), riders.astype("float32")[:, None]


class RateModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = keras.layers.Dense(12, activation="relu")
        self.rate = keras.layers.Dense(1, activation="softplus")

    def call(self, x):
        return self.rate(self.body(x))


x, riders = bike_rentals()
dataset = tf.data.Dataset.from_tensor_slices((x, riders)).batch(BATCH)

model = RateModel()
model.compile(optimizer=keras.optimizers.Nadam(5e-3), loss=poisson_loss)
model.fit(dataset, epochs=3, verbose=2)
