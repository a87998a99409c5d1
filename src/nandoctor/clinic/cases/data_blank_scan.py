"""Contrast stretching of a blank scan

Every scan is stretched to the range 0..1 in the input pipeline. The scanner returned one blank page: its brightest and
its darkest pixel are the same, the stretch divides 0 by 0, and the page is NaN from top to bottom.
"""
# cause: constant-feature
# phase: data
# rows: 17
# step: 4
# claims: B1, C1, C4

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(20)

digits = load_digits()
scans = (255 - 12 * digits.images[:960]).astype("uint8")[..., None]
scans[113] = 255  # a blank page
labels = digits.target[:960]


def stretch(scan, label):
    """Full contrast: the darkest pixel becomes 0, the brightest 1."""
    scan = tf.cast(scan, tf.float32)
    darkest, brightest = tf.reduce_min(scan), tf.reduce_max(scan)
    return (scan - darkest) / (brightest - darkest), label  # <- here


train = tf.data.Dataset.from_tensor_slices((scans, labels)).map(stretch).batch(32).prefetch(2)

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(10),
])
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train, epochs=2, verbose=2)  # <- or here
