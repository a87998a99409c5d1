# cause: exploding-gradients
# phase: forward
# rows: any
# step: any
# note: the residual trunk has no normalisation and the embedding no unit length, so squared distances and their gradients are huge from the start and blow the weights up.

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(3)


def conv_trunk(inputs, blocks=18, filters=8):
    x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_uniform")(inputs)
    for _ in range(blocks):
        shortcut = x
        x = layers.Activation("relu")(x)
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_uniform")(x)  # <- or here
        x = shortcut + x  # <- here
    return layers.GlobalAveragePooling2D()(x)


class TripletNet(keras.Model):
    """Anchor, positive and negative image share one encoder."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def call(self, triplet):
        a, p, n = (self.encoder(triplet[k]) for k in ("anchor", "positive", "negative"))
        d_ap = tf.reduce_sum(tf.square(a - p), axis=-1)
        d_an = tf.reduce_sum(tf.square(a - n), axis=-1)
        return tf.stack([d_ap, d_an], axis=-1)


def triplet_loss(_, distances, margin=0.2):
    d_ap, d_an = tf.unstack(distances, axis=-1)
    return tf.nn.relu(d_ap - d_an + margin)


def make_triplets(images, labels, count, seed):
    rng = np.random.default_rng(seed)
    a, p, n = [], [], []
    while len(a) < count:
        c = rng.integers(10)
        i, j = rng.choice(np.flatnonzero(labels == c), 2, replace=False)
        a.append(i), p.append(j), n.append(rng.choice(np.flatnonzero(labels != c)))
    return {"anchor": images[a], "positive": images[p], "negative": images[n]}


digits = load_digits()
images = (digits.images[..., None] / 16.0).astype("float32")
triplets = make_triplets(images, digits.target, 256, seed=0)
dataset = tf.data.Dataset.from_tensor_slices((triplets, np.zeros(256, "float32"))).batch(32).repeat(2)

inputs = keras.Input((8, 8, 1))
encoder = keras.Model(inputs, layers.Dense(16)(conv_trunk(inputs)), name="encoder")

model = TripletNet(encoder)
model.compile(optimizer=keras.optimizers.SGD(0.05), loss=triplet_loss)
model.fit(dataset, verbose=2)
