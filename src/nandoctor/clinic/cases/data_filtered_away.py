"""A generator yields a batch from which all rows were filtered

Each file of measurements is one batch, and rows with a saturated detector are dropped. In one file the detector was
saturated throughout: the batch has no rows, and the mean of its loss is 0 / 0.
"""
# cause: empty-batch
# phase: forward
# rows: any
# step: 5
# claims: C9

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(25)

FILES = 8
SATURATED = 4.0e4


def read_file(number):
    """Counts in 12 channels, and the energy that made them."""
    rng = np.random.default_rng(1000 + number)
    energy = rng.uniform(1.0, 3.0, (24, 1))
    gain = 60.0 if number == 4 else 1.0
    counts = rng.poisson(gain * 1000 * energy * np.exp(-np.linspace(0, 2, 12))).astype("float32")
    return counts, energy.astype("float32")


def batches():
    for number in range(FILES):
        counts, energy = read_file(number)
        usable = counts.max(axis=1) < SATURATED
        yield np.log1p(counts[usable]) - 6.0, energy[usable]  # <- here


def mean_error(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred))  # <- or here


signature = (tf.TensorSpec((None, 12), tf.float32), tf.TensorSpec((None, 1), tf.float32))
dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)

model = keras.Sequential([keras.Input((12,)), layers.Dense(16, activation="tanh"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Nadam(1e-2), loss=mean_error)
model.fit(dataset, epochs=3, verbose=2)  # <- or here
