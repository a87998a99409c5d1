# healthy

"""Soft assignment of digits to a codebook of prototypes, then a linear read-out."""
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = images.astype("float32")


class Codebook(keras.layers.Layer):
    def __init__(self, size, temperature):
        super().__init__()
        self.size, self.temperature = size, temperature

    def build(self, shape):
        self.prototypes = self.add_weight(shape=(shape[-1], self.size), initializer="he_normal", name="prototypes")

    def call(self, x):
        score = tf.matmul(x, self.prototypes) / self.temperature
        weight = tf.exp(score - tf.reduce_max(score, axis=-1, keepdims=True))
        return weight / tf.reduce_sum(weight, axis=-1, keepdims=True)


model = keras.Sequential([keras.Input((64,)), Codebook(24, 0.02), keras.layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(images, labels, batch_size=64, epochs=2, verbose=0)
