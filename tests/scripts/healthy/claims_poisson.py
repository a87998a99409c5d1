# healthy

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(50)
rng = np.random.default_rng(50)

n = 1500
age = rng.uniform(18, 80, n)
km = rng.lognormal(9, 0.6, n)
km[rng.random(n) < 0.1] = np.nan
region = rng.integers(0, 4, n)
claims = rng.poisson(np.exp(-1.2 + 0.01 * (50 - age) + 0.2 * (region == 2))).astype("float32")
claims[rng.random(n) < 0.02] = np.nan

with np.errstate(divide="ignore"):
    log_claims = np.log(claims)
print("log of claims, finite share:", np.isfinite(log_claims).mean())

ok = ~np.isnan(claims)
age, km, region, claims = age[ok], km[ok], region[ok], claims[ok]
missing = np.isnan(km)
km = np.where(missing, np.nanmedian(km), km)
table = np.column_stack([age, np.log(km), missing, np.eye(4)[region]])
table = np.column_stack([table, np.ones(len(table))])
spread = table.std(0)
spread[spread == 0] = 1.0
table = ((table - table.mean(0)) / spread).astype("float32")


class SafeSqrt(keras.layers.Layer):
    def call(self, x):
        positive = x > 1e-6
        inner = tf.where(positive, x, 1.0)
        return tf.where(positive, tf.sqrt(inner), 0.0)


def poisson_deviance(y_true, y_pred):
    mu = tf.exp(tf.clip_by_value(y_pred, -8.0, 8.0))
    part = tf.math.xlogy(y_true, tf.math.divide_no_nan(y_true, mu))
    return 2.0 * tf.reduce_mean(part - y_true + mu, axis=-1)


def big_claim_error(y_true, y_pred):
    big = tf.cast(y_true > 3.0, tf.float32)
    return tf.reduce_sum(big * tf.abs(y_true - tf.exp(y_pred))) / tf.reduce_sum(big)


inputs = keras.Input((table.shape[1],))
h = keras.layers.Dense(32, activation="relu")(inputs)
h = SafeSqrt()(h)
h = keras.layers.Dense(16, activation="relu")(h)
model = keras.Model(inputs, keras.layers.Dense(1)(h))
model.compile(keras.optimizers.Adam(2e-3), loss=poisson_deviance, metrics=[big_claim_error])
hist = model.fit(table, claims[:, None], validation_split=0.2, epochs=6, batch_size=32, verbose=0)
print("loss", hist.history["loss"])
print("val_loss", hist.history["val_loss"])
print("big", hist.history["big_claim_error"])
