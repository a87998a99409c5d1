# healthy
# claims: R3, A5
"""Each image standardised with a bound on its spread

The bound is 1 / sqrt(pixels), as in TensorFlow: a blank image becomes 0.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

MARGIN = 0.2

keras.utils.set_random_seed(39)
digits = load_digits()
pictures = digits.images[:192].astype("float32")
pictures[75] = 16.0  # a page that was not written on
labels = digits.target[:192].astype("int32")


def standardise(pictures):
    """Each image to mean 0 and standard deviation 1."""
    mean = pictures.mean(axis=(1, 2), keepdims=True)
    deviation = pictures.std(axis=(1, 2), keepdims=True)
    return (pictures - mean) / np.maximum(deviation, 1.0 / 8.0)


def build_branch():
    """A ResNet-18, shared by all images of a batch."""
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="branch")


def semi_hard(y_true, embeddings):
    """FaceNet's loss on squared distances."""
    y_true = tf.reshape(y_true, (-1,))
    d = tf.reduce_sum(tf.square(embeddings[:, None, :] - embeddings[None, :, :]), axis=-1)
    same = tf.equal(y_true[:, None], y_true[None, :])
    positives = tf.cast(same, tf.float32) - tf.eye(tf.shape(y_true)[0])
    farther = tf.logical_and(d[:, None, :] > d[:, :, None], ~same[:, None, :])
    nearest = tf.reduce_min(tf.where(farther, d[:, None, :], 1e6), axis=2)
    farthest = tf.reduce_max(tf.where(same, 0.0, d), axis=1, keepdims=True)
    negative = tf.where(tf.reduce_any(farther, axis=2), nearest, farthest)
    return tf.reduce_sum(tf.nn.relu(d - negative + MARGIN) * positives) / tf.reduce_sum(positives)


images = standardise(pictures)[..., None]
branch = build_branch()
branch.compile(optimizer=keras.optimizers.Adam(1e-4), loss=semi_hard)
branch.fit(images, labels, batch_size=32, epochs=1, shuffle=False, verbose=2)
