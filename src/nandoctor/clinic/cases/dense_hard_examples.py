"""The mean over the hard examples of a batch that has none

Only rows with an error above 0.3 are to be learned from. That works well until the network is good: in the first batch
in which no row is hard, the mean over an empty selection is 0 / 0.
"""
# cause: empty-mean
# phase: forward
# rows: any
# step: any
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
        return tf.reduce_sum(hard * error) / tf.reduce_sum(hard)  # <- here


inputs = keras.Input((2,))
h = layers.Dense(32, activation="tanh")(inputs)
h = layers.Dense(32, activation="tanh")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=HardExampleLoss(reduction=None), metrics=["accuracy"])
model.fit(dataset, steps_per_epoch=60, epochs=10, verbose=2)
