# healthy

"""Siamese distances in mixed precision: the loss stays where it began, and nothing says why."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(23)
keras.mixed_precision.set_global_policy("mixed_float16")


class Distance(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Dense(8)

    def call(self, pair):
        u, v = self.embed(pair[0]), self.embed(pair[1])
        squared = tf.reduce_sum(tf.square(tf.cast(u - v, tf.float32)), axis=-1)
        return tf.sqrt(squared + 1e-6)


def contrastive(same, distance):
    return same * distance + (1.0 - same) * tf.maximum(1.0 - distance, 0.0)


rng = np.random.default_rng(9)
left = rng.standard_normal((640, 6)).astype("float32")
right = left + 0.3 * rng.standard_normal((640, 6)).astype("float32")
right[::8] = left[::8]
same = (np.arange(640) % 2 == 0).astype("float32")

model = Distance()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=contrastive)
model.fit((left, right), same, batch_size=32, epochs=2, verbose=2)
