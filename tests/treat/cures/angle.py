"""The angle between two embeddings; one pair is the same vector."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
a = rng.normal(size=(64, 4)).astype("float32")
b = rng.normal(size=(64, 4)).astype("float32")
a[40:42], b[40:42] = [1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]
wanted = rng.uniform(0.5, 2.0, size=(64, 1)).astype("float32")


class Angle(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(4,), initializer="ones")

    def call(self, pair):
        u = tf.math.l2_normalize(pair[:, :4] * self.scale, axis=1)
        v = tf.math.l2_normalize(pair[:, 4:] * self.scale, axis=1)
        cosine = tf.reduce_sum(u * v, axis=1, keepdims=True)
        return tf.acos(cosine)


model = keras.Sequential([keras.Input((8,)), Angle()])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
model.fit(np.concatenate([a, b], axis=1), wanted, batch_size=16, epochs=3, shuffle=False, verbose=0)
