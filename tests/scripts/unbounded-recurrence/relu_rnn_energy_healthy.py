# healthy

"""Forecast the next hour of a load curve from the last 160 readings."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(12)

rng = np.random.default_rng(0)
hours = np.arange(4000)
load = np.sin(hours / 12.0) + 0.4 * np.sin(hours / 84.0) + 0.2 * rng.standard_normal(4000)
load = ((load - load.mean()) / load.std()).astype("float32")

LENGTH = 160
starts = rng.integers(0, 4000 - LENGTH - 1, 256)
x = np.stack([load[s:s + LENGTH] for s in starts])[..., None]
y = load[starts + LENGTH][:, None]

model = keras.Sequential([
    keras.Input((LENGTH, 1)),
    layers.SimpleRNN(48, activation="tanh"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
