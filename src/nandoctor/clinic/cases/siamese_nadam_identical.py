"""Nadam at a low rate, and an image paired with itself

After a first NaN the optimizer was changed to Nadam and the rate lowered a hundredfold. The pairs still hold an image
with itself: the slope of the root at 0 is infinite at any rate.
"""
# cause: gradient-singularity
# phase: backward
# rows: 9
# step: 3
# claims: R2, A7

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

BATCH = 16
MARGIN = 1.0

keras.utils.set_random_seed(34)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")

# pairs from a table, as an annotation tool writes it; one line of it names the same file twice
rng = np.random.default_rng(34)
left = rng.permutation(len(images))[:96]
right = rng.permutation(len(images))[96:192]
right[41] = left[41]
same = (labels[left] == labels[right]).astype("float32")

def build_branch():
    """A ResNet-18, shared by all images of a batch."""
    inputs = keras.Input((8, 8, 1))
    x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="branch")


class Distance(layers.Layer):
    def call(self, embeddings):
        u, v = tf.split(embeddings, 2)
        return tf.norm(u - v, axis=1)  # <- here


def contrastive(y_true, distance):
    y_true = tf.reshape(y_true, (-1,))
    return tf.reduce_mean(y_true * distance + (1.0 - y_true) * tf.nn.relu(MARGIN - distance))


branch = build_branch()
a, b = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
both = layers.Concatenate(axis=0)([a, b])  # one batch, so that BatchNorm treats both sides alike
model = keras.Model([a, b], Distance()(branch(both)))
model.compile(optimizer=keras.optimizers.Nadam(1e-5), loss=contrastive)
model.fit([images[left], images[right]], same, batch_size=BATCH, epochs=2, shuffle=False, verbose=2)
