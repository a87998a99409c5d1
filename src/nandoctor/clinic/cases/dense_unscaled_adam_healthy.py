"""Unscaled data and Adam: a large loss, and no NaN

Inputs and targets as they come out of the database. Adam's steps do not grow with the gradient: the loss starts at
half a million and falls. To scale the data is better; but this is no NaN.
"""
# healthy
# claims: C5, R8

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(42)

rng = np.random.default_rng(42)
X_train = rng.random((1000, 10)) * 10_000
y_train = X_train @ rng.random((10, 1)) / 10

model = keras.Sequential()
model.add(keras.Input((10,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(1))

model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss="mean_squared_error")
model.fit(X_train, y_train, batch_size=32, epochs=10, verbose=2)
