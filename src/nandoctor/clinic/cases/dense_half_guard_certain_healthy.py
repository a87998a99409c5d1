"""Clipped at both ends

Probabilities are kept between 1e-7 and 1 - 1e-7, both of which float32 can tell from 0 and 1. Better still is the loss
from logits: a clipped one has no gradient where it is most wrong.
"""
# healthy
# claims: R7, R4, C1

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_blobs

keras.utils.set_random_seed(39)

x, y = make_blobs(n_samples=1200, centers=[[-2.0, 0.0], [2.0, 1.0]], cluster_std=0.5, random_state=39)
y = y.astype("float32")[:, None]


class ClippedCrossentropy(keras.losses.Loss):
    """Binary cross-entropy; clipped, so that it can never be NaN."""

    def __init__(self, epsilon=1e-7, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        p = tf.clip_by_value(y_pred, self.epsilon, 1.0 - self.epsilon)
        return -(y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p))


inputs = keras.Input((2,))
h = layers.Dense(16, activation="relu")(inputs)
h = layers.Dense(16, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.03), loss=ClippedCrossentropy(), metrics=["accuracy"])
model.fit(x, y, batch_size=60, epochs=20, verbose=2)
