# cause: unscaled-input
# phase: forward
# rows: any
# step: 2
# note: pixels of 0..65535 go into a residual trunk without normalisation, so the squared triplet distances and their gradients blow the weights up

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow.keras import Model, layers, losses, optimizers, utils

utils.set_random_seed(0)

# scanner data, 16 bit
digits = load_digits()
scans = (digits.images * 4095).astype("uint16")[..., np.newaxis]


def make_dataset(images, labels, batch_size=48):
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    dataset = dataset.map(lambda image, label: (tf.cast(image, tf.float32), label))  # <- here
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


class ResidualBlock(layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = layers.Conv2D(filters, 3, padding="same", activation="relu")
        self.conv2 = layers.Conv2D(filters, 3, padding="same")

    def call(self, x):
        return tf.nn.relu(x + self.conv2(self.conv1(x)))


class TripletHardLoss(losses.Loss):
    """Hardest positive and hardest negative of each anchor, squared euclidean distance."""

    def call(self, y_true, y_pred):
        labels = tf.reshape(y_true, [-1])
        dot = tf.matmul(y_pred, y_pred, transpose_b=True)
        norm = tf.linalg.diag_part(dot)
        distance = tf.maximum(norm[:, None] - 2.0 * dot + norm[None, :], 0.0)
        same = tf.equal(labels[:, None], labels[None, :])
        positive = tf.reduce_max(tf.where(same, distance, 0.0), axis=1)
        negative = tf.reduce_min(tf.where(same, distance.dtype.max, distance), axis=1)
        return tf.maximum(positive - negative + 1.0, 0.0)


inputs = layers.Input((8, 8, 1))
x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
x = ResidualBlock(8)(x)
x = ResidualBlock(8)(x)
x = layers.GlobalAveragePooling2D()(x)
embedding = Model(inputs, layers.Dense(16)(x), name="embedding")

embedding.compile(optimizer=optimizers.SGD(learning_rate=1e-3, momentum=0.9), loss=TripletHardLoss())
embedding.fit(  # <- or here
    make_dataset(scans[:960], digits.target[:960]),
    validation_data=make_dataset(scans[960:1200], digits.target[960:1200]),
    epochs=2,
    verbose=2,
)
