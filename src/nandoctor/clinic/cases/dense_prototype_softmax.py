"""A softmax by hand, at a temperature of 0.01

An image is compared with one prototype per class by their cosine. At a temperature of 0.01 the score of a good match
is 95, and exp(95) is beyond float32, which ends at exp(88.7): inf / inf is NaN.
"""
# cause: exp-overflow
# phase: forward
# rows: any
# step: 1
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
        weight = tf.exp(similarity / TEMPERATURE)  # <- here
        return weight / tf.reduce_sum(weight, axis=-1, keepdims=True)  # <- or here


class_means = (y.T @ x) / y.sum(axis=0)[:, None]
model = keras.Sequential([keras.Input((64,)), Prototypes(class_means)])
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    jit_compile=True,
)
model.fit(x, y, batch_size=100, epochs=2, verbose=2)
