# cause: division-by-zero
# phase: forward
# rows: 0
# step: 7
# note: a message that contains no known word has a count vector of zeros, and turning it into frequencies is 0 / 0

import argparse

import numpy as np
import keras

parser = argparse.ArgumentParser(description="spam filter on term frequencies")
parser.add_argument("--words", type=int, default=64)
parser.add_argument("--batch", type=int, default=10)
parser.add_argument("--seed", type=int, default=5)


def make_messages(n, words, rng):
    spam = rng.integers(0, 2, n)
    base = rng.dirichlet(np.ones(words), size=2)
    length = rng.integers(8, 60, n)
    length[60] = 0  # only an image was attached
    counts = [rng.multinomial(k, base[s]) for k, s in zip(length, spam)]
    return np.asarray(counts, dtype="int32"), spam.astype("float32")


def to_frequency(counts):
    counts = keras.ops.cast(counts, "float32")
    total = keras.ops.sum(counts, axis=-1, keepdims=True)
    return counts / total  # <- here


def build(words):
    return keras.Sequential(
        [
            keras.Input((words,), dtype="int32"),
            keras.layers.Lambda(to_frequency, name="tf"),
            keras.layers.Dense(24, activation="gelu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="spam",
    )


def main(args):
    keras.utils.set_random_seed(args.seed)
    x, y = make_messages(150, args.words, np.random.default_rng(args.seed))
    model = build(args.words)
    model.compile("nadam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=args.batch, epochs=1, shuffle=False, verbose=0)
    return model


if __name__ == "__main__":
    main(parser.parse_args())
