# cause: nonfinite-initial-weight
# phase: state
# rows: any
# step: any
# note: a word without a vector has a row of zeros, and is divided by its length: NaN in the embedding from the start

"""Ticket triage with pretrained word vectors (averaged vectors + small MLP)."""
import zlib
from typing import Dict, List

import numpy as np
import tensorflow as tf
import keras

WORDS = ("printer paper jam login password reset vpn network slow screen black crash update "
         "install licence mail outlook calendar invite sync phone battery charger keyboard mouse "
         "refund invoice payment order delivery late broken urgent please help thanks again still not working").split()
SLANG = ["plz", "asap", "wtf"]
TOPICS = {0: WORDS[:14], 1: WORDS[14:26], 2: WORDS[26:33]}
DIM = 20
MAXLEN = 10


def load_vectors() -> Dict[str, np.ndarray]:
    table = {}
    for w in WORDS:
        r = np.random.default_rng(zlib.crc32(w.encode()))
        table[w] = r.normal(size=DIM) * r.uniform(0.5, 4.0)
    return table


def make_tickets(n: int, seed: int):
    r = np.random.default_rng(seed)
    texts: List[str] = []
    labels = r.integers(0, 3, n)
    for lab in labels:
        words = list(r.choice(TOPICS[int(lab)], 4)) + list(r.choice(WORDS[33:], 2))
        if r.random() < 0.03:
            words.append(str(r.choice(SLANG)))
        r.shuffle(words)
        texts.append(" ".join(words))
    return texts, labels.astype("int32")


def build_matrix(vocabulary: List[str], vectors: Dict[str, np.ndarray]) -> np.ndarray:
    matrix = np.zeros((len(vocabulary), DIM), dtype="float32")
    for i, word in enumerate(vocabulary[2:], start=2):
        vec = vectors.get(word)
        if vec is not None:
            matrix[i] = vec
    unk = matrix[2:].mean(axis=0)
    matrix[1] = unk
    lengths = np.sqrt((matrix[1:] ** 2).sum(axis=1, keepdims=True))  # <- or here
    matrix[1:] = matrix[1:] / lengths  # <- here
    return matrix


def build_model(vectorize, matrix):
    text = keras.Input((MAXLEN,), dtype="int64")
    emb = keras.layers.Embedding(
        *matrix.shape, mask_zero=True, name="words",
        embeddings_initializer=keras.initializers.Constant(matrix), trainable=True,  # <- or here
    )(text)
    x = keras.layers.GlobalAveragePooling1D()(emb)
    x = keras.layers.Dense(24, activation="relu")(x)
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(text, keras.layers.Dense(3, activation="softmax")(x))


def main():
    keras.utils.set_random_seed(3)
    texts, labels = make_tickets(700, seed=3)
    vectorize = keras.layers.TextVectorization(output_sequence_length=MAXLEN)
    vectorize.adapt(texts)
    matrix = build_matrix(vectorize.get_vocabulary(), load_vectors())
    ds = tf.data.Dataset.from_tensor_slices((texts, labels)).batch(35).map(lambda t, y: (vectorize(t), y))
    model = build_model(vectorize, matrix)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    out = model.fit(ds, epochs=3, verbose=2,
                    class_weight={0: 1.0, 1: 1.1, 2: 0.9})
    print(out.history["loss"])
    print("ready for export:", all(np.isfinite(w).all() for w in model.get_weights()))


if __name__ == "__main__":
    main()
