"""A recurrent cell with a squashing function

The state is squashed to -1..1 by a tanh after each step, and cannot grow.
"""
# healthy
# claims: C1, C9

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(54)

LENGTH = 300


class Integrator(layers.Layer):
    """Adds up its input, and learns how its state feeds back."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.w_in = self.add_weight(name="w_in", shape=(shape[-1], self.units), initializer="glorot_uniform")
        self.w_back = self.add_weight(name="w_back", shape=(self.units, self.units), initializer="orthogonal")

    def call(self, x, states):
        state = states[0]
        state = ops.tanh(ops.matmul(x, self.w_in) + ops.matmul(state, self.w_back))
        return state, [state]


def load_drift(count=384):
    """Noisy gyroscopes; the angle at the end is the sum of all rates, without the bias."""
    rng = np.random.default_rng(54)
    rate = rng.normal(0, 0.2, (count, LENGTH, 1))
    bias = rng.normal(0, 0.3, (count, 1, 1))
    reading = np.concatenate([rate + bias, np.broadcast_to(bias, rate.shape)], axis=-1)
    return reading.astype("float32"), rate.sum(axis=1).astype("float32")


reading, angle = load_drift()
model = keras.Sequential([
    keras.Input((LENGTH, 2)),
    layers.RNN(Integrator(24)),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mse")
model.fit(reading, angle, batch_size=32, epochs=4, verbose=2)
