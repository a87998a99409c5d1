# cause: empty-batch
# phase: forward
# rows: any
# step: 3
# note: the generator yields one batch per recording session and session 2 has no trial left after artefact rejection, so the loss divides by 0 rows

import numpy as np
import keras
from keras import ops

keras.utils.set_random_seed(17)
N_SESSIONS, N_CHANNELS = 6, 9


class HuberPerTrial(keras.losses.Loss):
    def __init__(self, delta=1.0):
        super().__init__(name="huber_per_trial", reduction=None)
        self.delta = delta

    def call(self, y_true, y_pred):
        err = ops.abs(y_true - y_pred)
        quad = ops.minimum(err, self.delta)
        per_trial = ops.sum(0.5 * quad**2 + self.delta * (err - quad), axis=-1)
        n_trials = ops.cast(ops.shape(per_trial)[0], "float32")
        total = ops.sum(per_trial)
        return total / n_trials  # <- or here


def read_session(i):
    rng = np.random.default_rng(100 + i)
    eeg = rng.normal(size=(14, N_CHANNELS)).astype("float32")
    if i == 2:
        eeg += 80.0  # loose electrode
    hand = np.stack([eeg[:, 0] - eeg[:, 1], eeg[:, 2]], axis=1)
    return eeg, hand


def batches():
    while True:
        for i in range(N_SESSIONS):
            eeg, hand = read_session(i)
            clean = np.abs(eeg).max(axis=1) < 50.0
            yield eeg[clean], hand[clean]  # <- here


class Decoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(18, activation="tanh")
        self.readout = keras.layers.Dense(2)

    def call(self, x):
        return self.readout(self.hidden(x))


decoder = Decoder()
decoder.compile(optimizer=keras.optimizers.Adam(1e-2), loss=HuberPerTrial(delta=0.5))
decoder.fit(batches(), steps_per_epoch=N_SESSIONS, epochs=3, verbose=0)  # <- or here
