"""A variance from the centred prices

The mean is subtracted before squaring, so the variance is a mean of squares and cannot be below 0.
"""
# healthy
# claims: C1

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(6)

WINDOW = 30


def load_prices(days=700):
    """A price that returns to 4,000 whenever it has moved by a few cents."""
    rng = np.random.default_rng(6)
    prices = np.full(days, 4000.0)
    for day in range(1, days):
        prices[day] += 0.5 * (prices[day - 1] - 4000.0) + rng.normal(0, 0.02)
    return prices.astype("float32")


class MarketFeatures(layers.Layer):
    """Trend, position and volatility of each window of prices."""

    def call(self, prices):
        mean = tf.reduce_mean(prices, axis=1, keepdims=True)
        variance = tf.reduce_mean(tf.square(prices - mean), axis=1, keepdims=True)
        volatility = tf.sqrt(variance)
        trend = prices[:, -1:] - prices[:, :1]
        return tf.concat([trend, prices[:, -1:] - mean, volatility], axis=1)


prices = load_prices()
starts = np.arange(len(prices) - WINDOW - 1)
windows = np.stack([prices[s : s + WINDOW] for s in starts])
moves = prices[starts + WINDOW] - prices[starts + WINDOW - 1]
labels = (moves > 0).astype("float32")[:, None]

model = keras.Sequential([
    keras.Input((WINDOW,)),
    MarketFeatures(),
    layers.Dense(16, activation="tanh"),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(windows, labels, batch_size=64, epochs=3, shuffle=False, verbose=2)
