# healthy
# claims: A4
"""A shared branch normalised over full batches

The number of pairs is a multiple of the batch size.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

PAIRS = 192
BATCH = 16
MARGIN = 2.0

keras.utils.set_random_seed(36)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")
rng = np.random.default_rng(36)
left, right = np.split(rng.permutation(len(images))[: 2 * PAIRS], 2)
same = (labels[left] == labels[right]).astype("float32")


class BatchStandardise(layers.Layer):
    """No scale and no offset to learn, and no statistics to keep."""

    def call(self, x):
        mean, variance = tf.nn.moments(x, axes=[0])
        return (x - mean) / tf.sqrt(variance)


def build_branch():
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.Dense(16)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, BatchStandardise()(x), name="branch")


def contrastive(y_true, distance):
    y_true = tf.reshape(y_true, (-1,))
    return tf.reduce_mean(y_true * distance + (1.0 - y_true) * tf.nn.relu(MARGIN - distance))


class SquaredDistance(layers.Layer):
    def call(self, u, v):
        return tf.reduce_mean(tf.square(u - v), axis=1)


branch = build_branch()
a, b = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
model = keras.Model([a, b], SquaredDistance()(branch(a), branch(b)))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=contrastive)
model.fit([images[left], images[right]], same, batch_size=BATCH, epochs=2, shuffle=False, verbose=2)
