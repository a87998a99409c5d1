# healthy

"""Pump faults: two more kinds than last year. The old layer's weights are read from a table and put in."""
import io

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(21)
rng = np.random.default_rng(21)
KINDS, SENSORS = 6, 16
x = rng.normal(size=(360, SENSORS)).astype("float32")
y = (np.abs(x[:, :KINDS]).argmax(axis=1)).astype("int32")


def last_years_table():
    old = rng.normal(0.0, 0.1, (24, KINDS - 2))
    return "\n".join(",".join([*(f"{v:.4f}" for v in row), "", ""]) for row in old)


kinds = layers.Dense(KINDS, name="kinds")
model = keras.Sequential([keras.Input((SENSORS,)), layers.Dense(24, activation="relu"), kinds])

kernel = np.genfromtxt(io.StringIO(last_years_table()), delimiter=",", filling_values=0.0)
kinds.set_weights([kernel, np.zeros(KINDS)])

model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=30, epochs=3, verbose=0)
