# cause: constant-feature
# phase: data
# rows: any
# step: 1
# note: the border of the scans is black in every image, so its spread is 0; the crop after the division moves the NaN

"""Scans standardised pixel by pixel in the input pipeline, then shifted by a few pixels."""
import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(8)
scans = rng.normal(0.4, 0.2, (256, 16, 16, 1)).astype("float32")
scans[:, :2] = scans[:, -2:] = 0.0
labels = (scans[:, 4:8].mean(axis=(1, 2, 3)) > 0.4).astype("int32")

mu = tf.constant(scans.mean(axis=0))
spread = tf.constant(scans.std(axis=0))


def normalise(scan, label):
    return (scan - mu) / spread, label  # <- here


def shift(scan, label):
    padded = tf.pad(scan, [[2, 2], [2, 2], [0, 0]], mode="REFLECT")
    return tf.image.random_crop(padded, (16, 16, 1)), label


data = tf.data.Dataset.from_tensor_slices((scans, labels)).shuffle(256).map(normalise).map(shift).batch(32)

model = keras.Sequential(
    [
        keras.Input((16, 16, 1)),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2),
    ]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(data, epochs=2, verbose=0)
