"""Attention in which an empty review has no weight

Padding is masked with a large finite number, and the weights are multiplied by the mask: an empty review is pooled to a
vector of zeros.
"""
# healthy
# claims: C1

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(5)

GOOD = "good great fine lovely superb charming clever bright".split()
BAD = "bad awful dull boring weak clumsy noisy slow".split()
PLAIN = "the film story actor scene music was with and a very end".split()


def load_reviews(count=320):
    rng = np.random.default_rng(5)
    stars = rng.integers(0, 2, count)
    reviews = []
    for liked in stars:
        opinion = rng.choice(GOOD if liked else BAD, rng.integers(1, 4))
        words = np.concatenate([opinion, rng.choice(PLAIN, rng.integers(3, 9))])
        reviews.append(" ".join(rng.permutation(words)))
    reviews[41] = ""  # a rating without a text
    return reviews, stars.astype("float32")[:, None]


class AttentionPooling(layers.Layer):
    """A weighted mean of the words, padding left out."""

    def build(self, shape):
        self.score = layers.Dense(1)
        self.score.build(shape)

    def call(self, words, tokens):
        scores = tf.squeeze(self.score(words), -1)
        word = tf.cast(tf.not_equal(tokens, 0), scores.dtype)
        weights = tf.nn.softmax(scores - 1e9 * (1.0 - word), axis=-1) * word
        return tf.reduce_sum(weights[..., None] * words, axis=1)


reviews, stars = load_reviews()
vocabulary = {word: k + 1 for k, word in enumerate(sorted(GOOD + BAD + PLAIN))}
tokens = keras.utils.pad_sequences([[vocabulary[w] for w in r.split()] for r in reviews], padding="post", maxlen=12)

inputs = keras.Input((12,), dtype="int32")
words = layers.Embedding(len(vocabulary) + 1, 16)(inputs)
pooled = AttentionPooling()(words, inputs)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="binary_crossentropy", metrics=["accuracy"])

dataset = tf.data.Dataset.from_tensor_slices((tokens, stars)).batch(16).prefetch(2)
model.fit(dataset, epochs=2, verbose=2)
