"""Clipping that is done by the optimizer

global_clipnorm is an argument of every Keras optimizer. At the same rate, on the same data, the training is stable.
"""
# healthy
# claims: R1, C8

import keras
from keras import layers
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(40)


x, y = make_regression(n_samples=1000, n_features=20, noise=10.0, random_state=40)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])

model = keras.Sequential([
    keras.Input((20,)),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.2, momentum=0.9, global_clipnorm=1.0), loss="mse")
model.fit(x, y, batch_size=25, epochs=5, verbose=2)
