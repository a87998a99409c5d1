"""Gradients clipped in a callback that is never called

The callback clips each gradient to [-1, 1] in `on_gradient_update`. Keras has no such hook: nothing calls it, and the
Siamese network explodes as it did without.
"""
# cause: inert-clipping
# phase: backward
# rows: any
# step: any
# claims: R1, A1

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

STEPS = 25
MARGIN = 0.2

keras.utils.set_random_seed(33)
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
    """A ResNet-18, shared by all images of a batch."""
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="branch")


class GradientClipping(keras.callbacks.Callback):
    """Keep the gradients within bounds, so that the loss cannot become NaN."""

    def __init__(self, limit=1.0):
        super().__init__()
        self.limit = limit

    def on_gradient_update(self, gradients, variables):  # <- here
        return [tf.clip_by_value(gradient, -self.limit, self.limit) for gradient in gradients]


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
branch.compile(optimizer=keras.optimizers.SGD(learning_rate=1.0, momentum=0.9), loss=semi_hard)  # <- or here
branch.fit(dataset, epochs=1, verbose=2, callbacks=[GradientClipping()])  # <- or here
