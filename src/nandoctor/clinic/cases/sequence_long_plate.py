"""A number plate that is too long for its picture

CTC reads eight time steps from each picture. One plate has the text 0011223: seven digits, three of them doubled, and
CTC needs a blank between equal neighbours, so ten steps. No alignment fits, and the loss of that row is infinite.
"""
# cause: infeasible-sequence
# phase: forward
# rows: 6
# step: 4
# claims: C1, C4

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(29)

STEPS, WIDTH = 8, 14
LENGTH = 7  # digits on a plate; 0 is CTC's blank, so the digit d is class d + 1


def plates(count=192):
    """Blurred one-hot pictures of plates with random digits."""
    rng = np.random.default_rng(29)
    digits = np.stack([rng.permutation(10)[:LENGTH] for _ in range(count)])
    digits[54] = [0, 0, 1, 1, 2, 2, 3]
    pictures = np.zeros((count, STEPS, WIDTH))
    for place in range(LENGTH):
        pictures[np.arange(count), place, digits[:, place]] = 1.0
    return (pictures + rng.normal(0, 0.1, pictures.shape)).astype("float32"), digits + 1


def ctc(y_true, y_pred):
    """Connectionist temporal classification (Graves et al., 2006), by TensorFlow's sparse kernel."""
    labels = tf.sparse.from_dense(tf.cast(y_true, tf.int32))
    steps = tf.fill([tf.shape(y_pred)[0]], STEPS)
    return tf.nn.ctc_loss(labels, y_pred, None, steps, logits_time_major=False, blank_index=0)  # <- here


pictures, labels = plates()
model = keras.Sequential([
    keras.Input((STEPS, WIDTH)),
    layers.Conv1D(32, 3, padding="same", activation="relu"),
    layers.Bidirectional(layers.GRU(24, return_sequences=True)),
    layers.Dense(11),
])
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=ctc)
model.fit(pictures, labels, batch_size=16, epochs=3, shuffle=False, verbose=2)  # <- or here
