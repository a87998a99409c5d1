# healthy

"""A diagonal state space layer (S4D-real) on a toy copy task."""
import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(6)


class DiagonalSSM(layers.Layer):
    def __init__(self, n_states, **kwargs):
        super().__init__(**kwargs)
        self.n_states = n_states

    def s4d_real(self, shape, dtype=None):
        return ops.log(ops.arange(1, self.n_states + 1, dtype=dtype))

    def build(self, input_shape):
        self.a_log = self.add_weight(shape=(self.n_states,), initializer=self.s4d_real, name="a_log")
        self.b = self.add_weight(shape=(input_shape[-1], self.n_states), name="b")
        self.c = self.add_weight(shape=(self.n_states, input_shape[-1]), name="c")
        self.log_dt = self.add_weight(shape=(), initializer=keras.initializers.Constant(-2.0), name="log_dt")

    def call(self, u):
        steps = u.shape[1]
        decay = -ops.exp(self.a_log) * ops.exp(self.log_dt)
        lags = ops.arange(steps, dtype="float32")
        kernel = ops.exp(lags[:, None] * decay[None])  # (time, state)
        index = ops.arange(steps)[:, None] - ops.arange(steps)[None]
        causal = ops.cast(index >= 0, "float32")[..., None]
        weights = ops.take(kernel, ops.maximum(index, 0), axis=0) * causal
        states = ops.einsum("tsn,bsn->btn", weights, ops.matmul(u, self.b))
        return ops.matmul(states, self.c)


rng = np.random.default_rng(12)
sequence = rng.normal(size=(256, 16, 3)).astype("float32")
target = sequence.cumsum(axis=1)[:, -1, :1] / 4.0

model = keras.Sequential([
    keras.Input((16, 3)),
    DiagonalSSM(8),
    layers.Activation("gelu"),
    layers.GlobalAveragePooling1D(),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.AdamW(1e-2, weight_decay=0.01), loss="mse")
model.fit(sequence, target, batch_size=32, epochs=3, verbose=2)
