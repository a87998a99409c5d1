"""Padding is masked in the loss, and still differentiated

The log-likelihood of each event is replaced by 0 where a sequence is padded. There the predicted rate is exactly 0, and
the hidden logarithm has the slope 1 / 0: the loss is finite, and every gradient is NaN.
"""
# cause: where-trap
# phase: backward
# rows: any
# step: 1
# claims: C1, C9

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(51)

LENGTH = 20


def load_visits(patients=384):
    """Weekly numbers of visits and two covariates; patients are followed for 5 to 20 weeks."""
    rng = np.random.default_rng(51)
    weeks = rng.integers(5, LENGTH + 1, patients)
    observed = np.arange(LENGTH) < weeks[:, None]
    x = rng.normal(size=(patients, LENGTH, 2)) * observed[..., None]
    visits = rng.poisson(np.exp(0.5 + 0.4 * x[..., 0])) * observed
    return np.concatenate([x, observed[..., None]], axis=-1).astype("float32"), visits.astype("float32")[..., None]


def poisson_likelihood(visits, rate):
    """Negative log-likelihood per observed week; padded weeks have a rate of 0."""
    observed = rate > 0.0
    log_rate = tf.where(observed, tf.math.log(rate), 0.0)  # <- here
    total = tf.reduce_sum(rate - visits * log_rate, axis=(1, 2))
    return total / tf.reduce_sum(tf.cast(observed, tf.float32), axis=(1, 2))


x, visits = load_visits()
inputs = keras.Input((LENGTH, 3))
h = layers.GRU(16, return_sequences=True)(inputs)
rate = layers.Dense(1, activation="softplus")(h)
rate = layers.Multiply()([rate, inputs[..., 2:]])
model = keras.Model(inputs, rate)
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=poisson_likelihood)
model.fit(x, visits, batch_size=32, epochs=3, verbose=2)
