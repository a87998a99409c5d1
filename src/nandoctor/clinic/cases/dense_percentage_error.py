"""A percentage error is divided by a target of 0

The error of a forecast of bicycle rentals is taken in per cent of the true count. At night, now and then, nobody rents
a bicycle: the true count is 0, and the percentage is error / 0.
"""
# cause: division-by-zero
# phase: forward
# rows: 18
# step: 4
# claims: C1, C9

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)


def load_rentals(days=60):
    """Hourly rentals of one station: hour of the day, temperature, rain, weekend."""
    hours = np.arange(24 * days)
    clock, day = hours % 24, hours // 24
    temperature = 12 + 8 * np.sin(2 * np.pi * (clock - 9) / 24) + rng.normal(0, 2, hours.size)
    rain = (rng.random(hours.size) < 0.15).astype(float)
    weekend = (day % 7 >= 5).astype(float)
    rate = 12 + 30 * np.exp(-0.5 * ((clock - 17) / 3.0) ** 2) + 0.5 * temperature - 4 * rain + 3 * weekend
    count = rng.poisson(np.maximum(rate, 1.0))
    count[114] = 0  # the station was closed for an hour
    angle = 2 * np.pi * clock / 24
    features = np.stack([np.sin(angle), np.cos(angle), temperature / 20, rain, weekend], axis=1)
    return features.astype("float32"), count.astype("float32")[:, None]


def percentage_error(y_true, y_pred):
    return tf.reduce_mean(tf.abs((y_true - y_pred) / y_true), axis=-1)  # <- here


x, y = load_rentals()
model = keras.Sequential([
    keras.Input((5,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(1, activation="softplus"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=percentage_error, metrics=["mae"])
model.fit(x, y, batch_size=32, epochs=5, shuffle=False, verbose=2)
