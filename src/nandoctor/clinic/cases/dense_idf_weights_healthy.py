"""Smoothed inverse frequencies are finite

One more is added to both counts, as scikit-learn does it: a word that never occurs has a large weight, not an infinite
one.
"""
# healthy
# claims: C1, C6

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(33)

WORDS = 120


def load_counts(documents=400):
    """Word counts of two kinds of documents; the vocabulary has words that occur in neither."""
    rng = np.random.default_rng(33)
    frequency = rng.pareto(1.2, (2, WORDS)) + 0.05
    frequency[:, 77] = 0.0
    kinds = rng.integers(0, 2, documents)
    return rng.poisson(0.6 * frequency[kinds] / frequency.mean()), kinds.astype("float32")


class InverseFrequency(layers.Layer):
    """Scale each word by its rarity; further tuned by the training."""

    def __init__(self, idf, **kwargs):
        super().__init__(**kwargs)
        self.idf = idf

    def build(self, shape):
        self.scale = self.add_weight(
            name="scale", shape=(shape[-1],), initializer=keras.initializers.Constant(self.idf)
        )

    def call(self, counts):
        return counts * self.scale


counts, kinds = load_counts()
occurs_in = (counts > 0).sum(axis=0)
idf = np.log((1 + len(counts)) / (1 + occurs_in))

model = keras.Sequential([
    keras.Input((WORDS,)),
    InverseFrequency(idf),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(np.log1p(counts), kinds, batch_size=40, epochs=3, validation_split=0.2, verbose=2)
