# healthy

import re

import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(13)

GOOD = "great lovely superb fine charming clever".split()
BAD = "dull awful boring weak silly flat".split()
FILLER = "the a film plot it was and very".split()
MAXLEN = 10


def make_reviews(n=64):
    rng = np.random.default_rng(20)
    texts, labels = [], []
    for i in range(n):
        label = i % 2
        words = rng.choice(GOOD if label else BAD, 3).tolist() + rng.choice(FILLER, 4).tolist()
        rng.shuffle(words)
        texts.append(" ".join(words))
        labels.append(label)
    texts[25] = "10/10 !!!"
    return texts, np.array(labels)


def tokenize(texts, vocab):
    ids = np.zeros((len(texts), MAXLEN), dtype="int32")
    for row, text in enumerate(texts):
        words = re.sub(r"[^a-z ]", " ", text.lower()).split()[:MAXLEN]
        ids[row, : len(words)] = [vocab[w] for w in words]
    return ids


texts, labels = make_reviews()
vocab = {word: i + 1 for i, word in enumerate(GOOD + BAD + FILLER)}
tokens = tokenize(texts, vocab)
not_empty = tokens.any(axis=1)
tokens, labels = tokens[not_empty], labels[not_empty]

model = keras.Sequential(
    [
        keras.Input((MAXLEN,), dtype="int32"),
        layers.Embedding(len(vocab) + 1, 12, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        layers.Dense(8, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(tokens, labels, batch_size=16, epochs=3, shuffle=False, verbose=2)
