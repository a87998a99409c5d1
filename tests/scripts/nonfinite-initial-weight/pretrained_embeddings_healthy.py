# healthy

import keras
import numpy as np
from keras import layers

WORDS = "good great fine nice superb bad poor awful boring weak film plot actor scene music".split()
DIM = 16
MAXLEN = 9


def load_vectors(words):
    """Stands for reading a GloVe file: word -> vector."""
    rng = np.random.default_rng(31)
    return {word: rng.normal(0, 0.4, DIM) for word in words}


def embedding_matrix(vectors):
    matrix = np.zeros((len(vectors) + 2, DIM), dtype="float32")  # 0: padding, 1: unknown
    matrix[1] = np.mean(list(vectors.values()), axis=0)
    for index, word in enumerate(vectors, start=2):
        matrix[index] = vectors[word]
    return unit_rows(matrix)


def unit_rows(matrix):
    lengths = np.sqrt((matrix**2).sum(axis=1, keepdims=True))
    return matrix / np.maximum(lengths, 1e-8)


def make_reviews(n):
    rng = np.random.default_rng(5)
    tokens = np.zeros((n, MAXLEN), "int32")
    labels = rng.integers(0, 2, n)
    for row, label in enumerate(labels):
        length = rng.integers(3, MAXLEN)
        tokens[row, :length] = rng.integers(12, 17, length)
        tokens[row, 0] = rng.integers(2, 7) if label else rng.integers(7, 12)
    return tokens, labels.astype("float32")


keras.utils.set_random_seed(1)
tokens, labels = make_reviews(320)
matrix = embedding_matrix(load_vectors(WORDS))

text = keras.Input((MAXLEN,), dtype="int32", name="tokens")
embed = layers.Embedding(*matrix.shape, name="glove")
h = layers.Conv1D(16, 3, activation="relu")(embed(text))
h = layers.GlobalMaxPooling1D()(h)
model = keras.Model(text, layers.Dense(1, activation="sigmoid")(h))
embed.set_weights([matrix])

model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(tokens, labels, batch_size=32, epochs=2, verbose=2)
