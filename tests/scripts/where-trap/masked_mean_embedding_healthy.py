# healthy

"""Sentiment of short reviews: embedding, masked mean, two dense layers."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

VOCAB, DIM, BATCH = 200, 8, 16


class MaskedMean(layers.Layer):
    """Mean of the word vectors of a review; the zero vector for an empty one."""

    def call(self, vectors, tokens):
        mask = ops.cast(ops.not_equal(tokens, 0), vectors.dtype)[..., None]
        total = ops.sum(vectors * mask, axis=1)
        length = ops.sum(mask, axis=1)
        mean = ops.where(
            length > 0,
            total / ops.maximum(length, 1.0),
            ops.zeros_like(total),
        )
        return mean


class ReviewSource:
    def __init__(self, size: int, seed: int):
        self.size, self.rng = size, np.random.default_rng(seed)

    def __iter__(self):
        for i in range(self.size):
            good = self.rng.random() < 0.5
            words = self.rng.integers(2 if good else 60, 140 if good else VOCAB, 20)
            words = words[: self.rng.integers(3, 20)]
            if i == 5 * BATCH + 7:
                words = words[:0]  # only stars, no text
            yield words.astype(np.int32), np.float32(good)

    def dataset(self) -> tf.data.Dataset:
        signature = (tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32))
        raw = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=signature)
        return raw.padded_batch(BATCH, padded_shapes=([20], []))


def sentiment_model() -> keras.Model:
    tokens = keras.Input((20,), dtype="int32", name="tokens")
    vectors = layers.Embedding(VOCAB, DIM)(tokens)
    review = MaskedMean()(vectors, tokens)
    hidden = layers.Dense(12, activation="relu")(review)
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid")(hidden))


def train() -> keras.callbacks.History:
    keras.utils.set_random_seed(10)
    model = sentiment_model()
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy()],
    )
    return model.fit(ReviewSource(192, seed=10).dataset(), epochs=1, verbose=2)


if __name__ == "__main__":
    train()
