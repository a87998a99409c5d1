# healthy

"""Bag-of-tokens text classifier with a large vocabulary; embedding gradients are sparse."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

VOCABULARY = 5000


class TextClassifier(keras.Model):
    def __init__(self, dim=16):
        super().__init__()
        self.embedding = layers.Embedding(VOCABULARY, dim, mask_zero=True)
        self.drop = layers.Dropout(0.3)
        self.out = layers.Dense(3)

    def call(self, tokens, training=False):
        weights = tf.cast(tokens != 0, tf.float32)[..., None]
        total = tf.reduce_sum(self.embedding(tokens) * weights, axis=1)
        mean = tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=1))
        return self.out(self.drop(mean, training=training))


def corpus(n=512, length=24, seed=18):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    tokens = rng.zipf(1.4, size=(n, length)) % VOCABULARY
    topical = rng.integers(0, 40, size=(n, length)) + 1000 * (labels[:, None] + 1)
    tokens = np.where(rng.random((n, length)) < 0.3, topical, tokens)
    lengths = rng.integers(0, length + 1, n)  # a few texts are empty
    tokens[np.arange(length)[None] >= lengths[:, None]] = 0
    return tokens.astype("int32"), labels


keras.utils.set_random_seed(80)
tokens, labels = corpus()
model = TextClassifier()
model.compile(
    optimizer=keras.optimizers.Adagrad(0.1, global_clipnorm=5.0),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(tokens, labels, batch_size=32, epochs=3, verbose=2)
