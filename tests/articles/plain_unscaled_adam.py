# healthy

"""Unscaled inputs: the loss is enormous, but with Adam it is not NaN."""

import numpy as np
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam

np.random.seed(42)
X = np.random.rand(1000, 10) * 10000  # not normalised
y = np.random.rand(1000, 1) * 10000

model = Sequential()
model.add(Dense(64, activation="relu", input_shape=(10,)))
model.add(Dense(64, activation="relu"))
model.add(Dense(1))

model.compile(optimizer=Adam(learning_rate=0.1), loss="mse")
model.fit(X, y, epochs=3, batch_size=32, verbose=2)
