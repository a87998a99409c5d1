# healthy

import numpy as np
import keras
from keras.layers import Dense, Input
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(13)

# 10 standardised neighbourhood features, sale price in dollars
X, value = make_friedman1(n_samples=900, n_features=10, noise=0.5, random_state=13)
X = StandardScaler().fit_transform(X)
price = 300_000 + 20_000 * (value - value.mean())

split = 720
x_train, x_test = X[:split], X[split:]
y_train, y_test = price[:split], price[split:]
mean, std = y_train.mean(), y_train.std()
y_train, y_test = (y_train - mean) / std, (y_test - mean) / std

model = keras.Sequential()
model.add(Input(shape=(10,)))
model.add(Dense(64, activation="leaky_relu"))
model.add(Dense(32, activation="leaky_relu"))
model.add(Dense(1))
model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=0.01))

model.fit(x_train, y_train, batch_size=36, epochs=2, shuffle=False, verbose=2)
print("test mse:", model.evaluate(x_test, y_test, verbose=0))
