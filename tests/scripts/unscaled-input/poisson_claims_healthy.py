# healthy

"""Claim frequency model (Poisson GLM with a hidden layer and a log link)."""

import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(75)


def simulate_policies(n=800, seed=77):
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, n)
    income = rng.lognormal(10.6, 0.4, n)  # about 40,000 a year
    mileage = rng.gamma(4.0, 4000.0, n)
    rate = np.exp(-1.0 + 0.01 * (40 - age) + mileage / 40000)
    claims = rng.poisson(rate)
    return np.column_stack([age, income, mileage]), claims


def poisson_nll(y_true, y_pred):
    y_true = tf.cast(y_true, y_pred.dtype)
    log_rate = y_pred
    rate = tf.exp(log_rate)
    nll = rate - y_true * log_rate
    return tf.reduce_mean(nll, axis=-1)


features, claims = simulate_policies()
x_train = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
y_train = claims.reshape(-1, 1)

covariates = keras.Input(shape=(3,), name="covariates")
hidden = keras.layers.Dense(8, activation="relu", name="hidden")(covariates)
log_rate = keras.layers.Dense(1, name="log_rate")(hidden)
model = keras.Model(covariates, log_rate, name="claim_frequency")
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=poisson_nll)
model.fit(x_train, y_train, batch_size=40, epochs=1, shuffle=False, verbose=2)
