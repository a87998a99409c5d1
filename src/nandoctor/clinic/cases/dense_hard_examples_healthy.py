"""The mean over the hard examples, or 0 if there are none

The number of hard rows is at least 1 in the denominator. When all rows are easy the loss is 0, and so is its gradient.
"""
# healthy
# claims: C1, C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_moons

HARD = 0.3

keras.utils.set_random_seed(23)

x, y = make_moons(2400, noise=0.1, random_state=23)
dataset = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y.astype("float32")[:, None])).batch(40).repeat()


class HardExampleLoss(keras.losses.Loss):
    """Binary cross-entropy, averaged over the rows that are still wrong."""

    def call(self, y_true, y_pred):
        error = keras.losses.binary_crossentropy(y_true, y_pred)
        hard = tf.cast(error > HARD, tf.float32)
        return tf.reduce_sum(hard * error) / tf.maximum(tf.reduce_sum(hard), 1.0)


inputs = keras.Input((2,))
h = layers.Dense(32, activation="tanh")(inputs)
h = layers.Dense(32, activation="tanh")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=HardExampleLoss(reduction=None), metrics=["accuracy"])
model.fit(dataset, steps_per_epoch=60, epochs=10, verbose=2)
