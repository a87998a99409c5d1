# healthy

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(60)

PAD = -1.0


def make_sequences(n, max_steps=18, seed=6):
    """Is the last value above the mean of the series?  Series have different lengths."""
    rng = np.random.default_rng(seed)
    x = np.full((n, max_steps, 2), PAD, dtype="float32")
    y = np.zeros((n, 1), dtype="float32")
    for i in range(n):
        steps = rng.integers(4, max_steps + 1)
        series = np.cumsum(rng.normal(size=steps)) * 0.3
        x[i, :steps, 0] = series
        x[i, :steps, 1] = np.arange(steps) / max_steps
        y[i] = series[-1] > series.mean()
    return x, y


x, y = make_sequences(320)

model = keras.Sequential([
    keras.Input((18, 2)),
    layers.Masking(mask_value=PAD),
    layers.LSTM(16, return_sequences=True, recurrent_dropout=0.1),
    layers.LSTM(8),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(
    optimizer=keras.optimizers.RMSprop(2e-3, clipnorm=1.0),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
