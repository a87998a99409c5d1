# cause: bad-initialisation
# phase: forward
# rows: any
# step: any
# note: the layer's weight starts as ones, so a stack of six sums 48 numbers six times over and the squared error is 1e20 before the first update.

"""Regression on tabular data with a layer of our own; the weights were to be set later and never were."""
import keras
import numpy as np
import tensorflow as tf
from keras import ops

keras.utils.set_random_seed(1)


class Projection(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="ones", name="w")  # <- here
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, x):
        return ops.elu(ops.matmul(x, self.w) + self.b)


class Regressor(keras.Model):
    def __init__(self, depth):
        super().__init__()
        self.blocks = [Projection(48, name=f"projection{i}") for i in range(depth)]
        self.head = keras.layers.Dense(1)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


rng = np.random.default_rng(5)
x = rng.uniform(0.0, 1.0, (512, 12)).astype("float32")
y = (x @ rng.normal(size=12) + 0.1 * rng.normal(size=512)).astype("float32")[:, None]
dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(512, seed=2).batch(32)

model = Regressor(depth=6)
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="mse")
model.fit(dataset, epochs=3, verbose=2)
