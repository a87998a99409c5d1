"""Inputs of up to 10,000, and SGD

Ten features between 0 and 10,000, as they come out of the database; only the target was brought to unit scale. The
first gradient is enormous, and each step throws the weights further away: after a few steps the loss is inf or NaN.
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
y_train = X_train @ rng.random((10, 1)) / 50_000

model = keras.Sequential()
model.add(keras.Input((10,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(1))

model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001), loss="mean_squared_error")
model.fit(X_train, y_train, batch_size=32, epochs=10, verbose=2)  # <- or here
