# healthy

import argparse
from dataclasses import dataclass

import numpy as np
import keras
from keras import layers, ops


@dataclass
class Config:
    window: int = 512
    windows: int = 320
    batch: int = 32
    epochs: int = 3
    lr: float = 1e-3
    seed: int = 4


def simulate(cfg):
    """Acceleration windows in m/s^2, three bearing conditions."""
    rng = np.random.default_rng(cfg.seed)
    t = np.arange(cfg.window) / 12800.0
    label = rng.integers(0, 3, cfg.windows)
    base = 4.0 * np.sin(2 * np.pi * 49.0 * t + rng.uniform(0, 6.28, (cfg.windows, 1)))
    ring = np.sin(2 * np.pi * 2100.0 * t) * (np.sin(2 * np.pi * 105.0 * t) > 0.6)
    outer = np.where(label[:, None] == 1, 14.0 * ring, 0.0)
    loose = np.where(label[:, None] == 2, 18.0 * np.sin(2 * np.pi * 98.0 * t), 0.0)
    x = base + outer + loose + rng.normal(0, 1.5, (cfg.windows, cfg.window))
    return x.astype("float32"), label.astype("int32")


class BandEnergy(layers.Layer):
    """Log energy of the window and of its first difference."""

    def call(self, x):
        total = ops.sum(ops.square(x), axis=1, keepdims=True)
        step = x[:, 1:] - x[:, :-1]
        rough = ops.sum(ops.square(step), axis=1, keepdims=True)
        return ops.concatenate([ops.log1p(total), ops.log1p(rough)], axis=-1)


def build(cfg):
    inp = keras.Input((cfg.window,))
    energy = BandEnergy(name="energy", dtype="float32")(inp)
    shape = layers.LayerNormalization()(inp)
    shape = layers.Dense(32, activation="relu")(shape)
    shape = layers.Dense(16, activation="relu")(shape)
    h = layers.Concatenate()([shape, energy])
    h = layers.Dense(16, activation="relu")(h)
    out = layers.Dense(3, activation="softmax", dtype="float32")(h)
    return keras.Model(inp, out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=Config.epochs)
    parser.add_argument("--precision", default="mixed_float16")
    args = parser.parse_args()
    cfg = Config(epochs=args.epochs)
    keras.utils.set_random_seed(cfg.seed)
    keras.mixed_precision.set_global_policy(args.precision)

    x, y = simulate(cfg)
    cut = int(0.8 * len(x))
    model = build(cfg)
    model.compile(
        optimizer=keras.optimizers.Adam(cfg.lr),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    hist = model.fit(x[:cut], y[:cut], validation_data=(x[cut:], y[cut:]),
                     epochs=cfg.epochs, batch_size=cfg.batch, verbose=0)
    print("loss", hist.history["loss"])
    print("val ", hist.history["val_loss"])


if __name__ == "__main__":
    main()
