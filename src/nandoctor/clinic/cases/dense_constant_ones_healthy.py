"""A small constant start does not end in NaN

All kernels start as 1 / 128. The units of a layer are all the same and stay so, which is a poor start; but nothing
grows, and the loss is a number.
"""
# healthy
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
            layers.Dense(WIDTH, activation="elu", kernel_initializer=start)
            for _ in range(DEPTH)
        ]
        self.out = layers.Dense(1, kernel_initializer=start)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


model = DeepRegressor(start=keras.initializers.Constant(1.0 / WIDTH))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"])
dataset = tf.data.Dataset.from_tensor_slices((x, alcohol)).shuffle(178, seed=2).batch(16)
model.fit(dataset, epochs=3, verbose=2)
