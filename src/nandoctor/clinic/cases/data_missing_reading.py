"""An empty cell of a CSV file is a NaN in the batch

A weather station lost its connection for three hours, and the logger left the cells empty. genfromtxt reads them as
NaN without a word; the first batch that holds one of these rows makes the loss and all gradients NaN.
"""
# cause: nonfinite-input
# phase: data
# rows: 11-13
# step: 7
# claims: C4

import io

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(10)


def station_log(hours=480):
    """What the logger wrote: temperature, humidity, pressure, and the wind an hour later."""
    rng = np.random.default_rng(10)
    clock = np.arange(hours)
    temperature = 15 + 6 * np.sin(2 * np.pi * clock / 24) + rng.normal(0, 1, hours)
    humidity = 70 - 2 * (temperature - 15) + rng.normal(0, 3, hours)
    pressure = 1013 + np.cumsum(rng.normal(0, 0.3, hours))
    wind = 4 + 0.2 * (temperature - 15) - 0.1 * (pressure - 1013) + rng.normal(0, 0.5, hours)
    lines = [f"{a:.1f},{b:.0f},{c:.1f},{d:.1f}" for a, b, c, d in zip(temperature, humidity, pressure, wind)]
    for hour in (203, 204, 205):
        a, _, c, d = lines[hour].split(",")
        lines[hour] = f"{a},,{c},{d}"  # humidity sensor offline
    return "temperature,humidity,pressure,wind\n" + "\n".join(lines)


table = np.genfromtxt(io.StringIO(station_log()), delimiter=",", skip_header=1, dtype="float32")  # <- or here
features, wind = table[:, :3], table[:, 3:]
mean, std = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
features = (features - mean) / std

dataset = tf.data.Dataset.from_tensor_slices((features, wind)).batch(32)
model = keras.Sequential([keras.Input((3,)), layers.Dense(24, activation="relu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse", metrics=["mae"])
model.fit(dataset, epochs=3, verbose=2)  # <- here
