# cause: nonfinite-target
# phase: data
# rows: 24, 25, 26
# step: 6
# note: a frame with zero power is -inf dB; with an absolute error the loss becomes inf although every gradient stays finite.

import numpy as np
import keras
from keras.layers import Dense, Input

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)


def to_db(power, ref=1.0):
    ratio = power / ref
    return 10.0 * np.log10(ratio)  # <- here


# Learn the sound level meter from four microphone envelopes
n_frames = 300
envelopes = rng.gamma(2.0, 0.5, size=(n_frames, 4))
power = envelopes @ np.array([0.4, 0.3, 0.2, 0.1]) * rng.lognormal(0.0, 0.05, n_frames)
gate_closed = np.zeros(n_frames, dtype=bool)
gate_closed[[174, 175, 176]] = True
power[gate_closed] = 0.0

level = to_db(power)

model = keras.Sequential([Input((4,)), Dense(20, "elu"), Dense(20, "elu"), Dense(1)])
model.compile("rmsprop", loss="mean_absolute_error")
model.fit(envelopes, level, batch_size=30, epochs=2, shuffle=False, verbose=2)  # <- or here
