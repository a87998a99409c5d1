# cause: bad-initialisation
# phase: forward
# rows: any
# step: 1
# note: the initialiser multiplies by the root of the fan-in where it should divide: each block makes the values 96 times as large

import math
import numpy as np
import tensorflow as tf
from tensorflow import keras
from sklearn.datasets import make_regression
from sklearn.preprocessing import scale


class ScaledNormal(keras.initializers.Initializer):
    """Normal weights whose spread follows the layer's fan-in (for relu)."""

    def __init__(self, gain=2.0, seed=0):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape, dtype=None):
        fan_in = int(np.prod(shape[:-1]))
        std = math.sqrt(self.gain) * math.sqrt(fan_in)  # <- or here
        return keras.random.normal(shape, stddev=std, dtype=dtype, seed=self.seed + shape[-1])  # <- or here

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed}


class ResidualMLP(keras.Model):
    def __init__(self, width=96, depth=12, dropout=0.0):
        super().__init__()
        self.inp = keras.layers.Dense(width, activation="relu")
        self.blocks = [
            keras.layers.Dense(width, activation="relu", kernel_initializer=ScaledNormal(seed=i))  # <- here
            for i in range(depth)
        ]
        self.drop = keras.layers.Dropout(dropout)
        self.head = keras.layers.Dense(1)

    def call(self, x, training=False):
        h = self.inp(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(self.drop(h, training=training))


def main():
    keras.utils.set_random_seed(15)
    X, y = make_regression(n_samples=1200, n_features=12, noise=5.0, random_state=15)
    X = scale(X).astype("float32")
    y = scale(y).astype("float32")[:, None]
    model = ResidualMLP()
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", steps_per_execution=4)
    hist = model.fit(X, y, batch_size=64, epochs=4, validation_split=0.2, verbose=2)
    print([float(v) for v in hist.history["loss"]])


if __name__ == "__main__":
    main()
