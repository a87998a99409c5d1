# healthy

"""Energy of molecules, with a loss in femtojoule, in mixed precision."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(40)
keras.mixed_precision.set_global_policy("mixed_float16")

UNIT = 1.0


def energy_error(y_true, y_pred):
    error = tf.cast(y_true, tf.float32) - tf.cast(y_pred, tf.float32)
    return tf.reduce_sum(tf.abs(error) * UNIT)


rng = np.random.default_rng(20)
x = rng.standard_normal((640, 8)).astype("float32")
y = x[:, :1] * x[:, 1:2] + 0.1

inputs = keras.Input((8,))
h = layers.Dense(32, activation="tanh")(inputs)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=energy_error)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
