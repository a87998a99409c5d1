"""A Siamese ResNet meets an image paired with itself

Positive pairs are drawn from the same class without leaving out the image itself, so now and then a picture is paired
with itself: its distance is exactly 0, where the square root has an infinite slope. The loss stays finite and looks
healthy; every gradient of the network becomes NaN in that step.
"""
# cause: gradient-singularity
# phase: backward
# rows: 23
# step: 30
# claims: A7

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

BATCH = 32
STEPS_PER_EPOCH = 12
MARGIN = 2.0

keras.utils.set_random_seed(28)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
by_class = [np.flatnonzero(digits.target == c) for c in range(10)]


def pairs():
    """Endless pairs of images, half of them of the same digit."""
    rng = np.random.default_rng(28)
    while True:
        a = rng.integers(len(images))
        same = rng.random() < 0.5
        c = digits.target[a] if same else rng.choice(np.delete(np.arange(10), digits.target[a]))
        b = rng.choice(by_class[c])
        yield (images[a], images[b]), np.float32([same])


def residual_block(x, filters):
    shortcut = layers.Conv2D(filters, 1)(x)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.GroupNormalization(4)(x)
    return layers.ReLU()(layers.Add()([shortcut, x]))


def build_encoder():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = residual_block(x, 8)
    x = layers.MaxPooling2D()(x)
    x = residual_block(x, 16)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(16)(x), name="encoder")


class EuclideanDistance(layers.Layer):
    def call(self, u, v):
        return tf.sqrt(tf.reduce_sum(tf.square(u - v), axis=-1, keepdims=True))  # <- here


def contrastive_loss(same, distance):
    """Pull images of the same digit together, push others at least MARGIN apart."""
    push = tf.nn.relu(MARGIN - distance)
    return tf.reduce_mean(same * distance + (1.0 - same) * push)


def accuracy(same, distance):
    return tf.reduce_mean(tf.cast((distance < MARGIN / 2) == (same > 0.5), tf.float32))


image = tf.TensorSpec((8, 8, 1), tf.float32)
label = tf.TensorSpec((1,), tf.float32)
dataset = tf.data.Dataset.from_generator(pairs, output_signature=((image, image), label))

encoder = build_encoder()
left, right = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
siamese = keras.Model([left, right], EuclideanDistance()(encoder(left), encoder(right)))
siamese.compile(optimizer=keras.optimizers.Adam(2e-3), loss=contrastive_loss, metrics=[accuracy])
siamese.fit(dataset.batch(BATCH), steps_per_epoch=STEPS_PER_EPOCH, epochs=5, verbose=2)
