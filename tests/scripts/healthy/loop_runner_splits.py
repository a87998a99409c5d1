# healthy

"""Forecast a marathon runner's remaining 5 km splits; many runners drop out or are not timed."""
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import keras

KNOWN, AHEAD = 4, 4


class Batch(NamedTuple):
    x: tf.Tensor
    y: tf.Tensor


def race(n=640, seed=29):
    r = np.random.default_rng(seed)
    pace = r.normal(25, 3, (n, 1))
    fade = np.abs(r.normal(0.4, 0.3, (n, 1)))
    km = np.arange(KNOWN + AHEAD)
    splits = pace + fade * km ** 1.5 * 0.3 + r.normal(0, 0.3, (n, len(km)))
    quit_at = r.integers(3, 14, n)
    splits[km[None, :] >= quit_at[:, None]] = np.nan
    return splits.astype("float32")


def prepare(splits):
    started = np.isfinite(splits[:, :KNOWN]).all(1)
    splits = splits[started]
    mu = splits[:, :KNOWN].mean()
    sd = splits[:, :KNOWN].std()
    z = (splits - mu) / sd
    return z[:, :KNOWN], z[:, KNOWN:]


def masked_gaussian_nll(y, mean, log_std):
    timed = tf.math.is_finite(y)
    filled = tf.where(timed, y, tf.zeros_like(y))
    log_std = tf.clip_by_value(log_std, -4.0, 3.0)
    nll = 0.5 * tf.square((filled - mean) * tf.exp(-log_std)) + log_std
    nll = tf.where(timed, nll, tf.zeros_like(nll))
    return tf.math.divide_no_nan(tf.reduce_sum(nll), tf.reduce_sum(tf.cast(timed, tf.float32)))


def train(epochs=10):
    keras.utils.set_random_seed(29)
    x, y = prepare(race())
    print("missing targets:", int(np.isnan(y).sum()), "of", y.size)
    inp = keras.Input((KNOWN,))
    h = keras.layers.Dense(32, activation="swish")(inp)
    h = keras.layers.Dense(32, activation="swish")(h)
    net = keras.Model(inp, [keras.layers.Dense(AHEAD)(h), keras.layers.Dense(AHEAD)(h)])
    opt = keras.optimizers.Adam(3e-3, clipnorm=5.0)

    @tf.function
    def update(b: Batch):
        with tf.GradientTape() as tape:
            mean, log_std = net(b.x, training=True)
            loss = masked_gaussian_nll(b.y, mean, log_std)
        g = tape.gradient(loss, net.trainable_variables)
        opt.apply_gradients(zip(g, net.trainable_variables))
        return loss, tf.linalg.global_norm(g)

    cut = int(len(x) * 0.85)
    ds = tf.data.Dataset.from_tensor_slices((x[:cut], y[:cut])).shuffle(1000, seed=3).batch(32)
    for e in range(epochs):
        out = [update(Batch(a, b)) for a, b in ds]
        mean, log_std = net(x[cut:])
        val = masked_gaussian_nll(tf.constant(y[cut:]), mean, log_std)
        mae = np.nanmean(np.abs(mean.numpy() - y[cut:]))
        print(e, "nll", np.mean([o[0] for o in out]), "gnorm", np.max([o[1] for o in out]),
              "val", float(val), "mae", mae)


if __name__ == "__main__":
    train()
