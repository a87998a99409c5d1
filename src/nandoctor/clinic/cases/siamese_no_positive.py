"""The last, small batch has no positive pair for triplets

1347 training images in batches of 64 leave 3 images for the last batch, and those show three different digits. The
semi-hard triplet loss is averaged over the positive pairs of the batch, and here that is 0 / 0 at the end of the epoch.
"""
# cause: no-valid-pair
# phase: forward
# rows: any
# step: 22
# claims: A6

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)


def pairwise_distances(embeddings):
    """Squared euclidean distances between all embeddings of a batch."""
    dots = tf.matmul(embeddings, embeddings, transpose_b=True)
    norms = tf.linalg.diag_part(dots)
    return tf.maximum(norms[:, None] - 2.0 * dots + norms[None, :], 0.0)


class TripletSemiHardLoss(keras.losses.Loss):
    """FaceNet's loss: for each positive pair the closest negative that is farther away than the positive."""

    def __init__(self, margin=0.5):
        super().__init__(reduction=None, name="triplet_semihard")
        self.margin = margin

    def call(self, y_true, y_pred):
        labels = tf.reshape(y_true, (-1,))
        d = pairwise_distances(y_pred)
        same = tf.equal(labels[:, None], labels[None, :])
        positives = tf.cast(same, tf.float32) - tf.eye(tf.shape(labels)[0])

        # [anchor, positive, negative]
        farther = d[:, None, :] > d[:, :, None]
        semihard = tf.logical_and(farther, ~same[:, None, :])
        closest = tf.reduce_min(tf.where(semihard, d[:, None, :], 1e6), axis=2)
        farthest = tf.reduce_max(tf.where(same, 0.0, d), axis=1, keepdims=True)
        negative = tf.where(tf.reduce_any(semihard, axis=2), closest, farthest)

        hinge = tf.maximum(d - negative + self.margin, 0.0)
        return tf.reduce_sum(hinge * positives) / tf.reduce_sum(positives)  # <- here


digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    (digits.images / 16.0).astype("float32")[..., None], digits.target, test_size=0.25, random_state=5
)

embedder = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(16),
    layers.UnitNormalization(),
])
embedder.compile(optimizer=keras.optimizers.Adam(1e-3), loss=TripletSemiHardLoss())
embedder.fit(x_train, y_train, batch_size=64, epochs=3, shuffle=False, verbose=2)  # <- or here
