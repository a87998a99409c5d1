# healthy
# claims: A6
"""Batches in which each class comes four times

P x K batches: every anchor has three positives.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

COPIES = 4
MARGIN = 0.2

keras.utils.set_random_seed(32)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")
by_class = [np.flatnonzero(labels == c) for c in range(10)]

def build_branch():
    """A ResNet-18, shared by all images of a batch."""
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="branch")


def semi_hard(y_true, embeddings):
    y_true = tf.reshape(y_true, (-1,))
    embeddings = tf.math.l2_normalize(embeddings, axis=1)
    d = tf.reduce_sum(tf.square(embeddings[:, None, :] - embeddings[None, :, :]), axis=-1)
    same = tf.equal(y_true[:, None], y_true[None, :])
    positives = tf.cast(same, tf.float32) - tf.eye(tf.shape(y_true)[0])
    farther = tf.logical_and(d[:, None, :] > d[:, :, None], ~same[:, None, :])
    nearest = tf.reduce_min(tf.where(farther, d[:, None, :], 1e6), axis=2)
    farthest = tf.reduce_max(tf.where(same, 0.0, d), axis=1, keepdims=True)
    negative = tf.where(tf.reduce_any(farther, axis=2), nearest, farthest)
    hinge = tf.nn.relu(d - negative + MARGIN)
    return tf.reduce_sum(hinge * positives) / tf.reduce_sum(positives)


# COPIES of each class in every batch, so that no class is seen more often than another
hands = [np.concatenate([members[i : i + COPIES] for members in by_class]) for i in range(0, 60, COPIES)]
dealt = np.concatenate(hands)

branch = build_branch()
branch.compile(optimizer=keras.optimizers.Adam(1e-3), loss=semi_hard)
branch.fit(images[dealt], labels[dealt], batch_size=10 * COPIES, epochs=1, shuffle=False, verbose=2)
