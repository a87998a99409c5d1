# cause: nonfinite-target
# phase: data
# rows: 26
# step: 11
# note: the target is the next day's value, and the last day has no next day: its target stays NaN.

"""One-step-ahead forecast of a daily series with a GRU."""

import numpy as np
import keras

WINDOW = 14


def daily_demand(days=360, seed=42):
    rng = np.random.default_rng(seed)
    t = np.arange(days)
    season = np.sin(2 * np.pi * t / 7) + 0.5 * np.sin(2 * np.pi * t / 30)
    return (season + 0.002 * t + 0.1 * rng.normal(size=days)).astype("float32")


def make_supervised(series):
    next_day = np.full_like(series, np.nan)  # <- here
    next_day[:-1] = series[1:]
    windows = np.lib.stride_tricks.sliding_window_view(series, WINDOW)
    return windows[..., np.newaxis].copy(), next_day[WINDOW - 1 :]


keras.utils.set_random_seed(42)
series = daily_demand()
series = (series - series.mean()) / series.std()
windows, targets = make_supervised(series)

model = keras.Sequential()
model.add(keras.Input(shape=(WINDOW, 1)))
model.add(keras.layers.GRU(12))
model.add(keras.layers.Dense(1))
model.compile(loss=keras.losses.Huber(), optimizer=keras.optimizers.Nadam(5e-3))
model.fit(windows, targets, batch_size=32, epochs=2, shuffle=False, verbose=2)  # <- or here
