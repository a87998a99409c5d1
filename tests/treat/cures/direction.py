"""Vectors are brought to length 1; one of them is 0. Under XLA, where the slope of `rsqrt` there is NaN."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
x = rng.normal(size=(64, 5)).astype("float32")
x[37] = 0.0
y = rng.normal(size=(64, 2)).astype("float32")


class Direction(keras.layers.Layer):
    def call(self, v):
        s = tf.reduce_sum(tf.square(v), axis=1, keepdims=True)
        return v * tf.math.rsqrt(s)


model = keras.Sequential([
    keras.Input((5,)),
    keras.layers.Dense(4, use_bias=False),
    Direction(),
    keras.layers.Dense(2),
])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", jit_compile=True)
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
