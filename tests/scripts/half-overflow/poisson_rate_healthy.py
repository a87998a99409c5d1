# healthy

"""Poisson regression of page views; the model predicts the logarithm of the rate, in half precision throughout."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(10)
keras.mixed_precision.set_global_policy("mixed_float16")

rng = np.random.default_rng(11)
x = rng.standard_normal((256, 6)).astype("float32")
views = rng.poisson(np.exp(11.0 + 0.3 * x[:, 0])).astype("float32")[:, None]


def poisson(y_true, log_rate):
    rate = tf.exp(tf.cast(log_rate, tf.float32))
    y_true = tf.cast(y_true, tf.float32)
    return tf.cast(rate, tf.float32) / 1e5 - y_true / 1e5 * tf.cast(log_rate, tf.float32)


inputs = keras.Input((6,))
h = layers.Dense(16, activation="tanh")(inputs)
outputs = layers.Dense(1, bias_initializer=keras.initializers.Constant(11.0))(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(1e-3), loss=poisson)
model.fit(x, views, batch_size=32, epochs=2, verbose=2)
