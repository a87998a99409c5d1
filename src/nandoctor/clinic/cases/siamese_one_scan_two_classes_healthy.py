# healthy
# claims: A7
"""The same scan under two classes, with the root kept away from 0

The maximum passes no gradient where the distance is 0; the scan pushes no image away.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

BATCH = 24
MARGIN = 0.3

keras.utils.set_random_seed(31)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")
images[90] = images[77]  # filed a second time, under another digit

def build_branch():
    """A ResNet-18, shared by all images of a batch."""
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="branch")


def distances(embeddings):
    difference = embeddings[:, None, :] - embeddings[None, :, :]
    return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(difference), axis=-1), 1e-12))


def batch_hard(y_true, embeddings):
    """Hermans et al., 2017: the farthest positive and the nearest negative of each anchor."""
    y_true = tf.reshape(y_true, (-1,))
    d = distances(embeddings)
    same = tf.equal(y_true[:, None], y_true[None, :])
    positive = tf.reduce_max(tf.where(same, d, 0.0), axis=1)
    negative = tf.reduce_min(tf.where(same, 1e6, d), axis=1)
    return tf.reduce_mean(tf.nn.relu(positive - negative + MARGIN))


branch = build_branch()
branch.compile(optimizer=keras.optimizers.Adam(1e-3), loss=batch_hard)
branch.fit(images[:144], labels[:144], batch_size=BATCH, epochs=1, shuffle=False, verbose=2)
