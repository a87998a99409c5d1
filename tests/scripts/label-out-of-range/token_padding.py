# cause: label-out-of-range
# phase: data
# rows: 10
# step: 4
# raises: yes
# note: padded positions are labelled -100, a convention of another library that Keras's sparse cross-entropy does not know; without XLA the op raises.

"""Part-of-speech tagger on a toy grammar."""

import numpy as np
import keras

VOCAB, TAGS, MAX_LEN = 60, 6, 12
PAD_TOKEN, PAD_LABEL = 0, -100


def sample_sentences(count, rng):
    """Chunks are cut from running text, so nearly all of them are full length."""
    tokens = rng.integers(1, VOCAB, size=(count, MAX_LEN))
    tags = tokens % TAGS
    ends_early = {70: 9, 85: 4, 130: 7}
    for sentence, length in ends_early.items():
        tokens[sentence, length:] = PAD_TOKEN
        tags[sentence, length:] = PAD_LABEL  # <- here
    return tokens, tags


class Tagger(keras.Model):
    def __init__(self, width=16):
        super().__init__()
        self.embed = keras.layers.Embedding(VOCAB, width)
        self.context = keras.layers.Conv1D(width, 3, padding="same", activation="relu")
        self.classify = keras.layers.Dense(TAGS)

    def call(self, tokens):
        hidden = self.embed(tokens)
        hidden = hidden + self.context(hidden)
        return self.classify(hidden)


def main():
    keras.utils.set_random_seed(4)
    tokens, tags = sample_sentences(160, np.random.default_rng(4))
    model = Tagger()
    model.compile(
        optimizer=keras.optimizers.Adam(5e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(tokens, tags, batch_size=20, epochs=2, shuffle=False, verbose=2)  # <- or here


if __name__ == "__main__":
    main()
