"""A ratio of two features that the model has made; of one row the second is 0."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(4)
rng = np.random.default_rng(4)
x = rng.uniform(0.5, 1.5, size=(64, 3)).astype("float32")
x[29] = 0.0
y = rng.normal(size=(64, 1)).astype("float32")


class Ratio(keras.layers.Layer):
    def build(self, shape):
        self.up = self.add_weight(shape=(3, 1), initializer="ones")
        self.down = self.add_weight(shape=(3, 1), initializer="ones")

    def call(self, x):
        a, b = x @ self.up + 1.0, x @ self.down
        return a / b


model = keras.Sequential([keras.Input((3,)), Ratio(), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
