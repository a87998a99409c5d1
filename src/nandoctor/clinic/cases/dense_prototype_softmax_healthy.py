"""The same prototypes with the softmax of the library

tf.nn.softmax subtracts the largest score first, so that no exponential is above 1, whatever the temperature.
"""
# healthy
# claims: C2

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

TEMPERATURE = 0.01

keras.utils.set_random_seed(21)

digits = load_digits()
x = (digits.data / 16.0).astype("float32")
y = keras.utils.to_categorical(digits.target, 10)


class Prototypes(layers.Layer):
    """Softmax over the cosine between an embedding and a learned prototype of each class."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, shape):
        self.prototypes = self.add_weight(
            name="prototypes", shape=self.start.shape, initializer=keras.initializers.Constant(self.start)
        )

    def call(self, x):
        x = tf.math.l2_normalize(x, axis=-1)
        prototypes = tf.math.l2_normalize(self.prototypes, axis=-1)
        similarity = tf.matmul(x, prototypes, transpose_b=True)
        return tf.nn.softmax(similarity / TEMPERATURE, axis=-1)


class_means = (y.T @ x) / y.sum(axis=0)[:, None]
model = keras.Sequential([keras.Input((64,)), Prototypes(class_means)])
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    jit_compile=True,
)
model.fit(x, y, batch_size=100, epochs=2, verbose=2)
