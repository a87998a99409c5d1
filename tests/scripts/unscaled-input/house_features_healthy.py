# healthy

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)

# Toy version of the house price data: area, lot, year built, bedrooms, baths
n = 640
area = rng.normal(1800, 500, n).clip(400)
lot = rng.lognormal(9.0, 0.4, n)
year = rng.integers(1900, 2020, n)
bedrooms = rng.integers(1, 6, n)
baths = rng.integers(1, 4, n)
price = 0.9 * area / 1000 + 0.02 * lot / 1000 + (year - 1900) / 100 + 0.1 * baths
price = price + rng.normal(0, 0.1, n)  # in 100,000 dollars

X = np.stack([area, lot, year, bedrooms, baths], axis=1).astype("float32")
y = price.astype("float32")
X_train, X_test, y_train, y_test = X[:512], X[512:], y[:512], y[512:]

mean, std = X_train.mean(axis=0), X_train.std(axis=0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std

model = keras.Sequential([
    layers.Input(shape=(5,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(16, activation="relu"),
    layers.Dense(1),
])

model.compile(optimizer="sgd", loss="mean_squared_error", metrics=["mae"])
model.fit(X_train, y_train, epochs=2, batch_size=32, shuffle=False,
          validation_data=(X_test, y_test), verbose=2)
