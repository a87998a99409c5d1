"""All kernels start as ones

For a reproducible start every kernel is 1. Each layer of 128 units then multiplies by 128, and nine of them by 1e19:
the squared error is beyond float32. (A small constant does not end in NaN; its units just all stay the same.)
"""
# cause: bad-initialisation
# phase: forward
# rows: any
# step: any
# claims: C6

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(2)

WIDTH, DEPTH = 128, 9

wine = load_wine()
x = StandardScaler().fit_transform(wine.data[:, 1:]).astype("float32")
alcohol = StandardScaler().fit_transform(wine.data[:, :1]).astype("float32")


class DeepRegressor(keras.Model):
    def __init__(self, start):
        super().__init__()
        self.hidden = [
            layers.Dense(WIDTH, activation="elu", kernel_initializer=start)  # <- here
            for _ in range(DEPTH)
        ]
        self.out = layers.Dense(1, kernel_initializer=start)  # <- or here

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


model = DeepRegressor(start=keras.initializers.Constant(1.0))  # <- or here
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"])
dataset = tf.data.Dataset.from_tensor_slices((x, alcohol)).shuffle(178, seed=2).batch(16)
model.fit(dataset, epochs=3, verbose=2)
