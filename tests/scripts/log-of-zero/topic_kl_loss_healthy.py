# healthy

"""Predict the topic mixture of a document from its bag of words."""
import numpy as np
import keras
from keras import layers, ops

N_DOCS, VOCAB, TOPICS = 400, 120, 6

keras.utils.set_random_seed(7)
rng = np.random.default_rng(7)

topic_words = rng.dirichlet(np.full(VOCAB, 0.1), size=TOPICS)
mixtures = rng.dirichlet(np.full(TOPICS, 2.0), size=N_DOCS)

# two press releases were tagged by the editors with a single topic
mixtures[141] = np.eye(TOPICS)[2]
mixtures[150] = np.eye(TOPICS)[0]

word_probs = mixtures @ topic_words
counts = np.stack([rng.multinomial(80, p / p.sum()) for p in word_probs])

x = np.log1p(counts).astype("float32")
y = mixtures.astype("float32")


class MixtureDivergence(keras.losses.Loss):
    """KL(target || prediction), summed over the topics."""

    def call(self, y_true, y_pred):
        y_true = ops.clip(y_true, 1e-7, 1.0)
        ratio = y_true / y_pred
        pointwise = y_true * ops.log(ratio)
        return ops.sum(pointwise, axis=-1)


model = keras.Sequential(
    [
        keras.Input((VOCAB,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(TOPICS, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=MixtureDivergence())
model.fit(x, y, batch_size=40, epochs=2, shuffle=False, verbose=2)
