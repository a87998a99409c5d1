"""A Siamese network on scikit-learn's digits: do two images show the same digit?"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

keras.utils.set_random_seed(2)
digits = load_digits()
images = (digits.images / 16.0).astype("float32")


class Pairs(keras.utils.PyDataset):
    """Batches of 16 pairs of the same digit and 16 of different ones, drawn anew each time."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        same = np.arange(32) % 2
        left = np.random.randint(len(images), size=32)
        alike = digits.target[left][:, None] == digits.target
        right = [np.random.choice(np.flatnonzero(row)) for row in np.where(same[:, None], alike, ~alike)]
        return (images[left], images[right]), same.astype("float32")


class Siamese(keras.Model):
    """The distance between the embeddings of two images."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(64, "relu"), keras.layers.Dense(16)])

    def call(self, pair: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        u, v = self.embed(pair[0]), self.embed(pair[1])
        return tf.sqrt(tf.reduce_sum(tf.square(u - v), axis=-1))


def contrastive(same: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
    """Pull pairs of the same digit together, push the others at least 1 apart."""
    return tf.reduce_mean(same * distance + (1 - same) * tf.maximum(1 - distance, 0))


model = Siamese()
model.compile("adam", contrastive)
model.fit(Pairs(), epochs=5, verbose=2)
