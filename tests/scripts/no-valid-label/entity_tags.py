# cause: no-valid-label
# phase: forward
# rows: 5
# step: 10
# note: one sentence has no labelled token at all, so its per-sentence mean is 0/0.

import numpy as np
import keras
from keras import layers, ops

IGNORE = -1
VOCAB, TAGS, LENGTH = 80, 5, 10


class SentenceMeanCrossentropy(keras.losses.Loss):
    """Every sentence counts the same, however many of its tokens are labelled."""

    def call(self, y_true, y_pred):
        labelled = ops.not_equal(y_true, IGNORE)
        target = ops.where(labelled, y_true, 0)
        token_loss = ops.sparse_categorical_crossentropy(target, y_pred, from_logits=True)
        labelled = ops.cast(labelled, token_loss.dtype)
        total = ops.sum(ops.multiply(token_loss, labelled), axis=-1)
        tokens = ops.sum(labelled, axis=-1)
        return ops.divide(total, tokens)  # <- here


class EntityTagger(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(VOCAB, 12)
        self.mixer = layers.Conv1D(24, 3, padding="same", activation="gelu")
        self.head = layers.Dense(TAGS)

    def call(self, ids):
        return self.head(self.mixer(self.embedding(ids)))


def annotated_corpus(sentences=252, seed=71):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, VOCAB, (sentences, LENGTH))
    tags = (ids * 7) % TAGS
    by_hand = rng.uniform(size=tags.shape) < 0.35  # annotators label only some tokens
    return ids, np.where(by_hand, tags, IGNORE)


if __name__ == "__main__":
    keras.utils.set_random_seed(71)
    ids, tags = annotated_corpus()
    tagger = EntityTagger()
    tagger.compile(
        optimizer=keras.optimizers.Adam(5e-3),
        loss=SentenceMeanCrossentropy(),
        jit_compile=True,
    )
    tagger.fit(ids, tags, batch_size=21, epochs=2, shuffle=False, verbose=2)
