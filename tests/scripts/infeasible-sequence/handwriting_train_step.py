# cause: infeasible-sequence
# phase: forward
# rows: 0, 7
# step: 4
# note: two words contain so many double letters that with the blanks in between they need more than the seven frames left after two poolings

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(64)

ALPHABET = "abcdefgh"
WIDTH, STROKE, MAX_LEN = 28, 9, 6
WORDS = ["bad", "cage", "face", "head", "beg", "fed", "ace", "dab"]


def encode(words):
    ids = np.zeros((len(words), MAX_LEN), "float32")
    for row, word in enumerate(words):
        ids[row, : len(word)] = [ALPHABET.index(c) for c in word]
    return ids, np.array([[len(w)] for w in words], "int32")


class Recognizer(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = keras.Sequential(
            [
                layers.Conv1D(16, 3, padding="same", activation="elu"),
                layers.AveragePooling1D(2),
                layers.Conv1D(16, 3, padding="same", activation="elu"),
                layers.AveragePooling1D(2),
            ]
        )
        self.rnn = layers.Bidirectional(layers.LSTM(10, return_sequences=True))
        self.classify = layers.Dense(len(ALPHABET) + 1, activation="softmax")

    def call(self, ink):
        return self.classify(self.rnn(self.stem(ink)))

    def train_step(self, data):
        ink, (letters, n_letters) = data
        with tf.GradientTape() as tape:
            probs = self(ink, training=True)
            n_steps = tf.fill(tf.shape(n_letters), tf.shape(probs)[1])
            cost = tf.keras.backend.ctc_batch_cost(letters, probs, n_steps, n_letters)  # <- here
            loss = tf.reduce_sum(cost) / tf.cast(tf.shape(ink)[0], tf.float32)
        grads = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(grads, self.trainable_weights)
        return {"loss": loss}


rng = np.random.default_rng(41)
words = [WORDS[i] for i in rng.integers(0, len(WORDS), size=40)]
words[24], words[31] = "aabbcc", "ffeegg"
letters, n_letters = encode(words)
ink = rng.normal(size=(40, WIDTH, STROKE)).astype("float32")

model = Recognizer()
model.compile(optimizer=keras.optimizers.RMSprop(1e-3))
model.fit(ink, (letters, n_letters), batch_size=8, epochs=2, shuffle=False, verbose=0)  # <- or here
