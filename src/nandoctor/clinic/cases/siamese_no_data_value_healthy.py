# healthy
# claims: A4
"""A scan whose no-data value is replaced

What the scanner did not see counts as blank.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

MARGIN = 2.0

keras.utils.set_random_seed(37)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")
images[70, 0, :3] = 0.0  # no data
left, right = np.arange(0, 128), np.arange(128, 256)
same = (labels[left] == labels[right]).astype("float32")


def build_branch():
    inputs = keras.Input((8, 8, 1))
    x = layers.BatchNormalization(momentum=0.9)(inputs)
    x = resnet(x, depth=18, width=8, stem="small", output_stride=4)
    x = layers.UnitNormalization()(layers.Dense(16)(layers.GlobalAveragePooling2D()(x)))
    return keras.Model(inputs, x, name="branch")


class SquaredDistance(layers.Layer):
    def call(self, u, v):
        return tf.reduce_sum(tf.square(u - v), axis=1)


def contrastive(y_true, distance):
    y_true = tf.reshape(y_true, (-1,))
    return tf.reduce_mean(y_true * distance + (1.0 - y_true) * tf.nn.relu(MARGIN - distance))


branch = build_branch()
a, b = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
model = keras.Model([a, b], SquaredDistance()(branch(a), branch(b)))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=contrastive)
model.fit(
    [images[left], images[right]],
    same,
    validation_data=([images[right], images[left]], same),
    batch_size=16,
    epochs=2,
    shuffle=False,
    verbose=2,
)
