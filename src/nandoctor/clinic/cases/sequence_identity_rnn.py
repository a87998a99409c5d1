"""A ReLU network through 300 time steps

A recurrent network of ReLUs, begun at the identity so that it remembers well. Nothing bounds its state: as soon as an
update makes the recurrent kernel a little larger than the identity, 300 steps multiply that into an overflow.
"""
# cause: unbounded-recurrence
# phase: forward
# rows: any
# step: any
# claims: C1

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(8)

LENGTH = 300


def adding_problem(count):
    """Add the two marked numbers of a sequence (Le, Jaitly, Hinton, 2015)."""
    rng = np.random.default_rng(8)
    numbers = rng.uniform(0, 1, (count, LENGTH))
    marks = np.zeros((count, LENGTH))
    rows = np.arange(count)
    marks[rows, rng.integers(0, LENGTH // 2, count)] = 1.0
    marks[rows, rng.integers(LENGTH // 2, LENGTH, count)] = 1.0
    return np.stack([numbers, marks], axis=-1).astype("float32"), (numbers * marks).sum(axis=1).astype("float32")


x, y = adding_problem(640)
model = keras.Sequential([
    keras.Input((LENGTH, 2)),
    layers.SimpleRNN(  # <- here
        32,
        activation="relu",  # <- or here
        recurrent_initializer="identity",  # <- or here
    ),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
model.fit(x, y, batch_size=32, epochs=4, verbose=2)
