# cause: fully-masked-softmax
# phase: forward
# rows: any
# step: 1
# note: the causal mask also closes the diagonal, so the first position of every sequence has no key left and its softmax is NaN

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(72)

WINDOW, DIM = 16, 8


def causal_bias(n):
    upper = np.triu(np.ones((n, n), dtype=bool), k=0)  # <- or here
    return np.where(upper, -np.inf, 0.0).astype("float32")


class CausalBlock(layers.Layer):
    def __init__(self, dim, window):
        super().__init__()
        self.q, self.k, self.v = (layers.Dense(dim) for _ in range(3))
        self.norm = layers.LayerNormalization()
        self.bias = causal_bias(window)
        self.scale = dim**-0.5

    def attend(self, q, k, v):
        logits = tf.einsum("btd,bsd->bts", q, k) * self.scale
        attention = tf.nn.softmax(logits + self.bias)  # <- here
        return tf.einsum("bts,bsd->btd", attention, v)

    def call(self, x):
        h = self.norm(x)
        return x + self.attend(self.q(h), self.k(h), self.v(h))


series = np.sin(np.arange(140) / 3.0).astype("float32")
windows = keras.utils.timeseries_dataset_from_array(
    series[:-1, None],
    targets=series[WINDOW:],
    sequence_length=WINDOW,
    batch_size=20,
)

model = keras.Sequential(
    [
        keras.Input((WINDOW, 1)),
        layers.Dense(DIM),
        CausalBlock(DIM, WINDOW),
        CausalBlock(DIM, WINDOW),
        layers.Flatten(),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0), loss="mse")
model.fit(windows, epochs=2, verbose=2)
