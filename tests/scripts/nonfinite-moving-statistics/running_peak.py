# cause: nonfinite-moving-statistics
# phase: state
# rows: any
# step: 4

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(2)
x = np.random.randn(96, 5).astype("float32")
x[50] *= 1e25
y = np.sign(x[:, :1])


class Energy(keras.layers.Layer):
    """Bounded features; keeps the mean energy of what it saw, for a monitor."""

    def build(self, shape):
        self.energy = self.add_weight(shape=(), initializer="zeros", trainable=False, name="energy")

    def call(self, x, training=False):
        if training:
            now = tf.reduce_mean(tf.square(x))  # <- here
            self.energy.assign(0.9 * self.energy + 0.1 * now)
        return tf.tanh(x)


model = keras.Sequential([keras.Input((5,)), Energy(), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
