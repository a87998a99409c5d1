# healthy

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(9)

# sensors without an upper limit have inf
LIMITS = np.array([4.0, math.inf, 2.5, math.inf], dtype="float32")
FLOOR = np.array([-math.inf, -3.0, -math.inf, -math.inf], dtype="float32")


def bounded_sensors(x):
    return tf.maximum(tf.minimum(x, LIMITS), FLOOR)


class HuberUpTo(keras.losses.Loss):
    """Squared error whose contribution per row may be capped; no cap by default."""

    def __init__(self, cap=math.inf):
        super().__init__()
        self.cap = cap

    def call(self, y_true, y_pred):
        error = tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)
        return tf.minimum(error, self.cap)


rng = np.random.default_rng(21)
readings = rng.normal(0, 3, size=(480, 4)).astype("float32")
clean = np.clip(readings, FLOOR, LIMITS)
power = clean @ np.array([[0.5], [-1.0], [0.8], [0.2]]) + 0.1 * rng.normal(size=(480, 1))

inputs = keras.Input((4,))
x = layers.Lambda(bounded_sensors, output_shape=(4,))(inputs)
x = layers.Dense(16, activation="relu")(x)
outputs = layers.Dense(1)(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer="adam", loss=HuberUpTo())
model.fit(readings, power, batch_size=48, epochs=4, verbose=2)
