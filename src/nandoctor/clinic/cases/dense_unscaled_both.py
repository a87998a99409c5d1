"""Inputs and targets as they come from the database

Ten features between 0 and 10,000, and a target of about 2,000. The first gradient is enormous, and each step throws the
weights further away. Scaling one of the two is not enough: with both scaled the same SGD learns.
"""
# cause: unscaled-input
# phase: forward
# rows: any
# step: any
# claims: C5, R8

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(42)

rng = np.random.default_rng(42)
X_train = rng.random((1000, 10)) * 10_000  # <- here
y_train = X_train @ rng.random((10, 1)) / 10  # <- or here

model = keras.Sequential()
model.add(keras.Input((10,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(1))

model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001), loss="mean_squared_error")
model.fit(X_train, y_train, batch_size=32, epochs=10, verbose=2)  # <- or here
