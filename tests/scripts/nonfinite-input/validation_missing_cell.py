# cause: nonfinite-input
# phase: validation
# rows: 5
# step: any
# note: row 25 of the held-out table has an empty cell, and in batches of 20 that is row 5 of the second batch

import io

import numpy as np
import keras
from keras import layers


def read(text):
    return np.genfromtxt(io.StringIO(text), delimiter=",").astype("float32")


def export(n, rng):
    return [f"{a:.2f},{b:.2f},{c:.2f}" for a, b, c in rng.normal(size=(n, 3))]


keras.utils.set_random_seed(37)
rng = np.random.default_rng(37)
january, february = export(120, rng), export(60, rng)
february[25] = "0.10,,0.40"
train = read("\n".join(january))
held_out = read("\n".join(february))  # <- here

model = keras.Sequential([keras.Input((2,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(  # <- or here
    train[:, :2],
    train[:, 2],
    batch_size=20,
    epochs=2,
    validation_data=(held_out[:, :2], held_out[:, 2]),
    validation_batch_size=20,
    verbose=2,
)
