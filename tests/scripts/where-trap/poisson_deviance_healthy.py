# healthy

"""Bike rentals per hour: neural Poisson regression, trained on the deviance."""
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(6)


def rentals(hours=300):
    rng = np.random.default_rng(6)
    hour = np.arange(hours) % 24
    weather = rng.normal(size=(hours, 3))
    rate = 12 + 6 * np.sin(2 * np.pi * (hour - 8) / 24) + np.abs(weather[:, 0])
    count = np.maximum(rng.poisson(rate), 1)
    count[[20 + 8, 20 + 11]] = 0  # two hours of storm
    clock = np.stack([np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24)], 1)
    return np.hstack([clock, weather]).astype("float32"), count.astype("float32")


def poisson_deviance(y, mu):
    """2 * (y log(y / mu) - (y - mu)), where the first term is 0 for y = 0."""
    ratio = tf.where(y > 0, y / mu, tf.ones_like(y))
    surprise = tf.where(y > 0, y * tf.math.log(ratio), tf.zeros_like(y))
    return 2.0 * tf.reduce_mean(surprise - (y - mu), axis=-1)


x, y = rentals()
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((5,)),
        tf.keras.layers.Dense(24, activation="swish"),
        tf.keras.layers.Dense(24, activation="swish"),
        tf.keras.layers.Dense(1, activation="softplus"),
    ]
)
model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss=poisson_deviance)
model.fit(x, y.reshape(-1, 1), batch_size=20, epochs=2, shuffle=False, verbose=2)
