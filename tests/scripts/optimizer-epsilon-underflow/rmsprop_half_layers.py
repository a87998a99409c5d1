# cause: optimizer-epsilon-underflow
# phase: update
# rows: any
# step: any
# note: the layers keep float16 weights, in which RMSprop's epsilon of 1e-8 is 0, and units that saw no gradient divide 0 by 0.

"""A small model in half precision throughout, to fit a small device."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(31)


class Tiny(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Dense(24, activation="relu", dtype="float16")
        self.out = layers.Dense(1, dtype="float16")

    def call(self, x):
        return self.out(self.embed(x))


rng = np.random.default_rng(14)
x = rng.standard_normal((320, 12)).astype("float32")
x[:, 7] = 0.0
y = (x[:, 0] - x[:, 3])[:, None]
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)

model = Tiny()
optimizer = keras.optimizers.RMSprop(learning_rate=1e-3, epsilon=1e-8)  # <- here
model.compile(optimizer=optimizer, loss="mse")
model.fit(dataset, epochs=2, verbose=2)
