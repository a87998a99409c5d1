"""The target is a price in cents

House prices reach the network in cents, so they are about 30 million while the features are standardised. The first
squared errors are 1e15, their gradients throw the weights out, and within a few steps of SGD the loss overflows.
"""
# cause: unscaled-target
# phase: forward
# rows: any
# step: any
# claims: C5

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(16)

x, value = make_regression(n_samples=960, n_features=8, n_informative=6, noise=4.0, random_state=16)
x = StandardScaler().fit_transform(x).astype("float32")
euros = 300_000 + 400 * value
cents = np.round(100 * euros).astype("float32")[:, None]  # <- here

dataset = tf.data.Dataset.from_tensor_slices((x, cents)).shuffle(960, seed=16).batch(32)  # <- or here


class PriceModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(48, activation="relu")
        self.price = layers.Dense(1)

    def call(self, x):
        return self.price(self.hidden(x))


model = PriceModel()
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse")
model.fit(dataset, epochs=3, verbose=2)  # <- or here
