# cause: log-of-zero
# phase: forward
# rows: any
# step: 1
# note: fractions that are exactly 0: 0 times the logarithm of 0; only the prediction is clipped

import numpy as np
import keras
from keras import layers, ops

CLASSES = ["forest", "crop", "grass", "urban", "water", "bare"]


def make_pixels(n, rng):
    """Coarse pixels: the fractions of 25 fine cells and 8 noisy band averages."""
    alpha = rng.gamma(0.8, 1.5, (n, len(CLASSES))) + 0.05
    p = alpha / alpha.sum(1, keepdims=True)
    counts = np.stack([rng.multinomial(25, row) for row in p])
    fractions = counts / 25.0
    spectra = rng.normal(0, 1, (len(CLASSES), 8))
    bands = fractions @ spectra + rng.normal(0, 0.05, (n, 8))
    return bands.astype("float32"), fractions.astype("float32")


@keras.saving.register_keras_serializable("landcover")
class JensenShannon(keras.losses.Loss):
    def __init__(self, weight_true=0.5, name="jensen_shannon"):
        super().__init__(name=name)
        self.w = weight_true

    def call(self, y_true, y_pred):
        y_pred = ops.clip(y_pred, 1e-6, 1.0)  # <- or here
        mix = self.w * y_true + (1.0 - self.w) * y_pred
        kl_true = ops.sum(y_true * (ops.log(y_true) - ops.log(mix)), axis=-1)  # <- here
        kl_pred = ops.sum(y_pred * (ops.log(y_pred) - ops.log(mix)), axis=-1)
        return self.w * kl_true + (1.0 - self.w) * kl_pred

    def get_config(self):
        return {"weight_true": self.w, "name": self.name}


def unmixing_net():
    return keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )


rng = np.random.default_rng(8)
keras.utils.set_random_seed(8)
bands, fractions = make_pixels(800, rng)
net = unmixing_net()
net.compile(optimizer="adam", loss=JensenShannon(), metrics=["mae"])
h = net.fit(bands[:640], fractions[:640], epochs=4, batch_size=32,
            validation_data=(bands[640:], fractions[640:]), verbose=0)
print({k: np.round(v, 4).tolist() for k, v in h.history.items()})
