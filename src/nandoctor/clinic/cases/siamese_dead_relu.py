"""A loss that stays at its margin: every unit is dead

The bias of the hidden layer was carried over from a network with other inputs and lies far below anything that
reaches it. All embeddings are 0, all distances are 0, and the loss is exactly the margin for ever. Nothing becomes
NaN.
"""
# cause: dead-relu
# phase: none
# rows: any
# step: any
# claims: A3

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

STEPS = 12
MARGIN = 0.2

keras.utils.set_random_seed(40)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")


def p_by_k(steps, p=6, k=4, seed=0):
    """Batches of p digits, k images each."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = [rng.choice(np.flatnonzero(labels == c), k, replace=False) for c in rng.choice(10, p, replace=False)]
        rows = np.concatenate(rows)
        yield images[rows], labels[rows]


def build_branch():
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(32, activation="relu", bias_initializer=keras.initializers.Constant(-100.0))(x)  # <- here
    return keras.Model(inputs, layers.Dense(16, use_bias=False)(x), name="branch")


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


dataset = tf.data.Dataset.from_generator(
    lambda: p_by_k(STEPS),
    output_signature=(tf.TensorSpec((None, 8, 8, 1), tf.float32), tf.TensorSpec((None,), tf.int32)),
)

branch = build_branch()
branch.compile(optimizer=keras.optimizers.Adam(1e-3), loss=semi_hard)
branch.fit(dataset, epochs=1, verbose=2)
