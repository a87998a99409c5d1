"""A cross-entropy in float16: the guard inside the logarithm is smaller than any number of that dtype."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)
x = rng.normal(size=(64, 3)).astype("float32")
x[50] = [60.0, -60.0, 0.0]
y = keras.utils.to_categorical(rng.integers(0, 3, 64), 3).astype("float32")
y[50] = [0.0, 1.0, 0.0]


def cross_entropy(y_true, p):
    p = tf.cast(p, tf.float16)
    return -tf.reduce_mean(tf.reduce_sum(tf.cast(y_true, tf.float16) * tf.math.log(p), axis=1))


model = keras.Sequential([
    keras.Input((3,)),
    keras.layers.Dense(3, activation="softmax", kernel_initializer="identity"),
])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss=cross_entropy)
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
