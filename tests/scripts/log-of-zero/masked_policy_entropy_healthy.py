# healthy

"""Imitate an expert player; an entropy bonus keeps the policy from collapsing."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

MOVES = 9
keras.utils.set_random_seed(33)


def load_games(n=240):
    rng = np.random.default_rng(33)
    boards = rng.normal(size=(n, 18)).astype(np.float32)
    legal = np.ones((n, MOVES), np.float32)
    # most records are openings with every move open; a few are end games
    for game, closed in [(102, [0, 4]), (103, [8]), (115, [1, 2, 3]), (200, [5])]:
        legal[game, closed] = 0.0
    preference = boards @ rng.normal(size=(18, MOVES)) - 1e3 * (1 - legal)
    return boards, legal, preference.argmax(1)


class EntropyBonus(layers.Layer):
    def __init__(self, weight=0.01, **kw):
        super().__init__(**kw)
        self.weight = weight

    def call(self, probs):
        log_probs = tf.math.log(tf.maximum(probs, 1e-12))
        entropy = -tf.reduce_sum(probs * log_probs, axis=-1)
        self.add_loss(-self.weight * tf.reduce_mean(entropy))
        return probs


def policy_network():
    board = keras.Input((18,), name="board")
    legal = keras.Input((MOVES,), name="legal")
    h = layers.Dense(48, activation="tanh")(board)
    h = layers.Dense(48, activation="tanh")(h)
    logits = layers.Dense(MOVES, name="logits")(h)
    closed = layers.Lambda(lambda m: (1.0 - m) * -1e9, name="closed")(legal)
    masked = layers.Add()([logits, closed])
    probs = layers.Softmax()(masked)
    return keras.Model([board, legal], EntropyBonus()(probs))


if __name__ == "__main__":
    boards, legal, moves = load_games()
    model = policy_network()
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss="sparse_categorical_crossentropy",
    )
    model.fit(
        {"board": boards, "legal": legal},
        moves,
        batch_size=24,
        epochs=1,
        shuffle=False,
        verbose=2,
    )
