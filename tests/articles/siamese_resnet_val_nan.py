# cause: no-valid-pair
# phase: validation
# rows: any
# step: any
# note: training batches are sampled with four images of each identity, the validation set is read in its own order and some of its batches have no positive pair

"""Semi-hard triplets: training is fine, but val_loss is nan from the first epoch on. Why?"""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(7)


def pairwise_squared(embeddings):
    dot = tf.matmul(embeddings, embeddings, transpose_b=True)
    norm = tf.linalg.diag_part(dot)
    return tf.maximum(norm[:, None] - 2.0 * dot + norm[None, :], 0.0)


def triplet_semihard(y_true, y_pred, margin=0.4):
    labels = tf.reshape(tf.cast(y_true, tf.int32), [-1])
    d = pairwise_squared(y_pred)
    same = labels[:, None] == labels[None, :]
    positive = tf.cast(same, d.dtype) - tf.eye(tf.shape(d)[0])
    outside = (d[:, None, :] > d[:, :, None]) & ~same[:, None, :]
    nearest = tf.reduce_min(tf.where(outside, d[:, None, :], 1e9), axis=2)
    fallback = tf.reduce_max(tf.where(same, 0.0, d), axis=1)[:, None]
    negative = tf.where(tf.reduce_any(outside, axis=2), nearest, fallback)
    loss = tf.nn.relu(d - negative + margin) * positive
    return tf.reduce_sum(loss) / tf.reduce_sum(positive)  # <- here


def train_batches(x, y, identities=6, images=4, batches=15):
    """P x K sampling: P identities with K images each."""
    rng = np.random.default_rng(7)
    while True:
        chosen = rng.choice(10, identities, replace=False)
        rows = np.concatenate([rng.choice(np.flatnonzero(y == c), images, replace=False) for c in chosen])
        yield x[rows], y[rows]


def conv_bn(x, filters, stride=1):
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


digits = load_digits()
x = (digits.images / 16.0).astype("float32")[..., None]
y = digits.target
x_train, y_train, x_val, y_val = x[:1500], y[:1500], x[1500:1560], y[1500:1560]

inputs = keras.Input((8, 8, 1))
h = layers.ReLU()(conv_bn(inputs, 16))
h = layers.ReLU()(layers.Add()([h, conv_bn(layers.ReLU()(conv_bn(h, 16)), 16)]))
h = layers.GlobalAveragePooling2D()(h)
h = layers.Lambda(lambda t: tf.math.l2_normalize(t, axis=1))(layers.Dense(24)(h))
model = keras.Model(inputs, h)

model.compile(optimizer=keras.optimizers.Nadam(1e-3), loss=triplet_semihard)
model.fit(
    train_batches(x_train, y_train),
    steps_per_epoch=15,
    epochs=2,
    validation_data=(x_val, y_val),
    validation_batch_size=5,
    verbose=2,
)
