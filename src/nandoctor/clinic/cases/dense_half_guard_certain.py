"""Clipped to (1e-10, 1.0), and a perfect prediction is NaN

The lower end is guarded, the upper one is not. For a row that is predicted perfectly, p is exactly 1 and the second
half of the loss is 0 * log(0): NaN as soon as the network is as good as it can be.
"""
# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# claims: R7, C1

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_blobs

keras.utils.set_random_seed(39)

x, y = make_blobs(n_samples=1200, centers=[[-2.0, 0.0], [2.0, 1.0]], cluster_std=0.5, random_state=39)
y = y.astype("float32")[:, None]


class ClippedCrossentropy(keras.losses.Loss):
    """Binary cross-entropy; clipped, so that it can never be NaN."""

    def __init__(self, epsilon=1e-10, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        p = tf.clip_by_value(y_pred, self.epsilon, 1.0)  # <- or here
        return -(y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p))  # <- here


inputs = keras.Input((2,))
h = layers.Dense(16, activation="relu")(inputs)
h = layers.Dense(16, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.03), loss=ClippedCrossentropy(), metrics=["accuracy"])
model.fit(x, y, batch_size=60, epochs=20, verbose=2)
