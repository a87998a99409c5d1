# cause: infeasible-sequence
# phase: forward
# rows: 1, 6
# step: 2
# note: two utterances are so short that after the stride of 4 they have 4 frames for a transcript that needs 5, their CTC loss is inf and the focal factor turns it into NaN gradients

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(10)

MAX_FRAMES, MELS, PHONES, STRIDE = 64, 13, 12, 4


def synth(n=32):
    rng = np.random.default_rng(14)
    mel = rng.normal(size=(n, MAX_FRAMES, MELS)).astype("float32")
    n_frames = rng.integers(44, MAX_FRAMES + 1, size=n)
    phones = np.zeros((n, 6), "int32")
    for i in range(n):
        k = rng.integers(2, 6)
        phones[i, :k] = rng.permutation(np.arange(1, PHONES))[:k]
    for short in (9, 14):
        n_frames[short] = 17
        phones[short] = [5, 5, 3, 8, 0, 0]
    mel[np.arange(MAX_FRAMES)[None, :] >= n_frames[:, None]] = 0.0
    return mel, np.concatenate([n_frames[:, None] // STRIDE, phones], axis=1).astype("int32")


def ctc_per_utterance(logits, target, frames):
    return tf.nn.ctc_loss(  # <- here
        labels=tf.sparse.from_dense(target),
        logits=logits,
        label_length=None,
        logit_length=frames,
        logits_time_major=False,
        blank_index=0,
    )


def focal_ctc(y_true, logits, alpha=0.5, gamma=2.0):
    y_true = tf.cast(y_true, tf.int32)
    frames, target = y_true[:, 0], y_true[:, 1:]
    nll = ctc_per_utterance(logits, target, frames)  # <- or here
    p = tf.exp(-nll)
    return alpha * tf.pow(1.0 - p, gamma) * nll


mel, packed = synth()

model = keras.Sequential(
    [
        layers.Input((MAX_FRAMES, MELS)),
        layers.Conv1D(24, 5, strides=STRIDE, padding="same", activation="swish"),
        layers.LayerNormalization(),
        layers.LSTM(16, return_sequences=True),
        layers.Dense(PHONES),
    ],
    name="acoustic_model",
)
model.compile(optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=5.0), loss=focal_ctc)
model.fit(mel, packed, batch_size=8, epochs=2, shuffle=False, verbose=0)  # <- or here
