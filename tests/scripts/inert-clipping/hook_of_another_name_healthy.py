# healthy: the same callback with its useless method, and a rate at which nothing grows

import functools

import keras
import numpy as np

rng = np.random.default_rng(4)
signal = rng.normal(size=(512, 12)).astype("float32")
response = (signal @ rng.normal(size=(12, 1)) * 2.0).astype("float32")


def logged(method):
    @functools.wraps(method)
    def inner(self, *args):
        print("clipping")
        return method(self, *args)

    return inner


class NormGuard(keras.callbacks.Callback):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm
        self.worst = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.worst = max(self.worst, logs["loss"])

    def on_gradients(self, gradients):
        gradients, _ = keras.ops.clip(gradients, -self.norm, self.norm), None
        return gradients


keras.utils.set_random_seed(4)
inputs = keras.Input((12,))
hidden = keras.layers.Dense(24, activation="leaky_relu")(inputs)
model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
model.compile(keras.optimizers.SGD(0.003, momentum=0.9), "mse")
model.fit(signal, response, batch_size=32, epochs=6, callbacks=[NormGuard(1.0)], verbose=0)
