# cause: unbounded-recurrence
# phase: forward
# rows: any
# step: 1
# note: the state adds a relu of itself in each of 168 steps: nothing bounds it

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(33)
STEPS = 168


def hourly_load(n, seed):
    rng = np.random.default_rng(seed)
    h = np.arange(STEPS)
    phase = rng.uniform(0, 24, size=(n, 1))
    base = np.sin(2 * np.pi * (h + phase) / 24)
    week = 0.3 * np.cos(2 * np.pi * h / 168)
    x = base + week + 0.1 * rng.normal(size=(n, STEPS))
    y = np.sin(2 * np.pi * (STEPS + 3 + phase) / 24)
    return x[..., None].astype("float32"), y.astype("float32")


class SkipCell(layers.Layer):
    """Recurrent cell with an identity path, so the gradient can flow over a whole week."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        self.output_size = units

    def build(self, input_shape):
        self.wx = self.add_weight(name="wx", shape=(input_shape[-1], self.units), initializer="glorot_uniform")
        self.wh = self.add_weight(name="wh", shape=(self.units, self.units), initializer="orthogonal")  # <- or here
        self.b = self.add_weight(name="b", shape=(self.units,), initializer="zeros")

    def call(self, inputs, states):
        h = states[0]
        update = ops.relu(ops.matmul(inputs, self.wx) + ops.matmul(h, self.wh) + self.b)  # <- or here
        h = h + update  # <- here
        return h, [h]


def build(units=32):
    seq = keras.Input((STEPS, 1))
    h = layers.RNN(SkipCell(units))(seq)  # <- or here
    h = layers.Dense(16, activation="relu")(h)
    return keras.Model(seq, layers.Dense(1)(h))


x_train, y_train = hourly_load(384, 1)
x_val, y_val = hourly_load(96, 2)

model = build()
model.compile(keras.optimizers.Adam(1e-3), loss="mse")
log = model.fit(x_train, y_train, validation_data=(x_val, y_val), epochs=3, batch_size=32, verbose=0)
for k, v in log.history.items():
    print(k, v)
