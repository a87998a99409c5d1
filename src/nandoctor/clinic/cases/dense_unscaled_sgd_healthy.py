"""The same features, standardised, and the same SGD

A Normalization layer learns mean and deviation of each column and is the first layer of the network; the rate is the
same 0.001, and the loss falls.
"""
# healthy
# claims: C5, R8

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(42)

rng = np.random.default_rng(42)
X_train = rng.random((1000, 10)) * 10_000
y_train = X_train @ rng.random((10, 1)) / 50_000

scale = layers.Normalization()
scale.adapt(X_train)

model = keras.Sequential()
model.add(keras.Input((10,)))
model.add(scale)
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(1))

model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001), loss="mean_squared_error")
model.fit(X_train, y_train, batch_size=32, epochs=10, verbose=2)
