# healthy

"""Semi-hard triplet training; batches without a valid triplet and equal images are guarded."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(40)


def pairwise_distances(embeddings):
    dots = tf.matmul(embeddings, embeddings, transpose_b=True)
    squares = tf.linalg.diag_part(dots)
    d2 = tf.maximum(squares[:, None] - 2.0 * dots + squares[None, :], 0.0)
    zero = tf.cast(d2 < 1e-12, d2.dtype)
    return (1.0 - zero) * tf.sqrt(d2 + zero * 1e-12)


class TripletSemiHard(keras.losses.Loss):
    def __init__(self, margin=0.3):
        super().__init__(reduction=None)
        self.margin = margin

    def call(self, labels, embeddings):
        labels = tf.reshape(labels, (-1,))
        distance = pairwise_distances(embeddings)
        same = tf.equal(labels[:, None], labels[None, :])
        positive = tf.logical_and(same, ~tf.eye(tf.shape(labels)[0], dtype=tf.bool))
        nearest_negative = tf.reduce_min(tf.where(same, np.inf, distance), axis=1)
        farthest_positive = tf.reduce_max(tf.where(positive, distance, -np.inf), axis=1)
        valid = tf.logical_and(tf.reduce_any(positive, axis=1), tf.reduce_any(~same, axis=1))
        gap = tf.where(valid, farthest_positive - nearest_negative, 0.0)
        losses = tf.where(valid, tf.nn.relu(gap + self.margin), 0.0)
        return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.reduce_sum(tf.cast(valid, tf.float32)))


digits = load_digits()
x = (digits.data / 16.0).astype("float32")[:640]
y = digits.target[:640].copy()
x[70] = x[64]  # a duplicate
y[32:48] = np.arange(16) % 10  # shuffled labels, still with pairs
y[96:128] = 7  # one batch without any negative

encoder = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(48, activation="relu"),
    layers.Dense(16),
    layers.UnitNormalization(),
])
encoder.compile(optimizer=keras.optimizers.Adam(1e-3), loss=TripletSemiHard())
encoder.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=2)
