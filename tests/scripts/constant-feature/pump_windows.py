# cause: constant-feature
# phase: validation
# rows: 23-28
# step: any
# note: the pump stood still for 40 samples of the held-out part: windows without spread, divided by their deviation

"""One-step forecast of pump pressure from standardised windows (tf.data)."""
import argparse
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import keras
from keras import layers


@dataclass(frozen=True)
class Settings:
    window: int = 24
    batch: int = 64
    epochs: int = 3
    hidden: int = 16
    lr: float = 3e-3
    seed: int = 40


def read_logger(s: Settings, n: int = 2600) -> np.ndarray:
    rng = np.random.default_rng(s.seed)
    t = np.arange(n)
    load = 1.0 + 0.3 * np.sin(2 * np.pi * t / 96) + 0.1 * np.sin(2 * np.pi * t / 17)
    pressure = 4.0 * load + rng.normal(scale=0.08, size=n)
    pressure = np.round(pressure, 2)
    service_start = int(0.9 * n)
    pressure[service_start:service_start + 40] = pressure[service_start]  # <- or here
    return pressure.astype("float32")


def split(series: np.ndarray, frac: float = 0.8):
    cut = int(frac * len(series))
    return series[:cut], series[cut:]


def standardise(chunk: tf.Tensor):
    history, nxt = chunk[:-1], chunk[-1]
    mu = tf.reduce_mean(history)
    sd = tf.math.reduce_std(history)  # <- or here
    return (history - mu)[:, None] / sd, (nxt - mu)[None] / sd  # <- here


def windows(series: np.ndarray, s: Settings, training: bool) -> tf.data.Dataset:
    ds = tf.data.Dataset.from_tensor_slices(series)
    ds = ds.window(s.window + 1, shift=1 if training else 3, drop_remainder=True)
    ds = ds.flat_map(lambda w: w.batch(s.window + 1, drop_remainder=True))
    ds = ds.map(standardise, num_parallel_calls=2).cache()
    if training:
        ds = ds.shuffle(1024, seed=s.seed)
    return ds.batch(s.batch).prefetch(1)


def make_model(s: Settings) -> keras.Model:
    inp = keras.Input((s.window, 1))
    x = layers.Conv1D(s.hidden, 5, activation="relu", padding="causal")(inp)
    x = layers.Conv1D(s.hidden, 3, activation="relu", padding="causal", dilation_rate=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(s.hidden, activation="relu")(x)
    return keras.Model(inp, layers.Dense(1)(x), name="pump")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=Settings.epochs)
    p.add_argument("--lr", type=float, default=Settings.lr)
    a = p.parse_args()
    s = Settings(epochs=a.epochs, lr=a.lr)
    keras.utils.set_random_seed(s.seed)
    train, held_out = split(read_logger(s))
    model = make_model(s)
    model.compile(optimizer=keras.optimizers.Adam(s.lr), loss="mae", metrics=["mse"])
    hist = model.fit(
        windows(train, s, True), validation_data=windows(held_out, s, False), epochs=s.epochs, verbose=2,
        callbacks=[keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2)],
    )
    print("train", hist.history["loss"])
    print("valid", hist.history["val_loss"])


if __name__ == "__main__":
    main()
