# healthy

"""Default risk with very skewed money columns, weighted rows and a running standardiser."""
from dataclasses import dataclass, field
from typing import Tuple

import numpy as np
import tensorflow as tf
import keras


@dataclass
class Run:
    seed: int = 55
    rows: int = 1601
    batch: int = 64
    epochs: int = 6
    lr: float = 0.4
    widths: Tuple[int, ...] = field(default=(24, 12))


class RunningStandardiser(keras.layers.Layer):
    def __init__(self, momentum=0.95, **kw):
        super().__init__(**kw)
        self.momentum = momentum

    def build(self, shape):
        self.mean = self.add_weight(name="mean", shape=(shape[-1],), initializer="zeros", trainable=False)
        self.var = self.add_weight(name="var", shape=(shape[-1],), initializer="ones", trainable=False)

    def call(self, x, training=False):
        if training:
            n = tf.cast(tf.shape(x)[0], tf.float32)
            mean, var = tf.nn.moments(x, axes=[0])
            var = var * n / tf.maximum(n - 1.0, 1.0)
            m = self.momentum
            self.mean.assign(m * self.mean + (1 - m) * mean)
            self.var.assign(m * self.var + (1 - m) * var)
        return (x - self.mean) / tf.sqrt(self.var + 1e-3)


class SignedLog(keras.layers.Layer):
    def call(self, x):
        return tf.sign(x) * tf.math.log1p(tf.abs(x))


class Risk(keras.Model):
    def __init__(self, cfg: Run):
        super().__init__()
        self.squash = SignedLog()
        self.std = RunningStandardiser()
        self.hidden = [keras.layers.Dense(w, activation="relu", kernel_initializer="he_normal") for w in cfg.widths]
        self.risk = keras.layers.Dense(1)

    def call(self, x, training=False):
        h = self.std(self.squash(x), training=training)
        for layer in self.hidden:
            h = layer(h)
        self.add_loss(1e-5 * tf.reduce_mean(tf.square(h)))
        return self.risk(h)


def table(cfg: Run):
    rng = np.random.default_rng(cfg.seed)
    income = rng.lognormal(10, 1.5, cfg.rows)
    debt = rng.lognormal(8, 2.5, cfg.rows)
    balance = rng.normal(0, 1, cfg.rows) * 10 ** rng.uniform(0, 7, cfg.rows)
    branch = np.full(cfg.rows, 3.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = debt / np.where(rng.random(cfg.rows) < 0.05, 0.0, income)
    ratio = np.nan_to_num(ratio, nan=0.0, posinf=1e6)
    logit = 0.7 * np.log(debt) - 0.6 * np.log(income) - 0.02 * np.sign(balance)
    y = (rng.random(cfg.rows) < 1 / (1 + np.exp(-logit))).astype("float32")
    weight = np.ones(cfg.rows)
    weight[5 * cfg.batch:6 * cfg.batch] = 0.0
    x = np.stack([income, debt, balance, ratio, branch], axis=1)
    return x.astype("float32"), y[:, None], weight.astype("float32")


def main(cfg: Run):
    keras.utils.set_random_seed(cfg.seed)
    x, y, w = table(cfg)
    model = Risk(cfg)
    model.compile(optimizer=keras.optimizers.SGD(cfg.lr, momentum=0.9, clipnorm=1.0),
                  loss=keras.losses.BinaryCrossentropy(from_logits=True),
                  weighted_metrics=["accuracy"], steps_per_execution=2)
    h = model.fit(x, y, sample_weight=w, batch_size=cfg.batch, epochs=cfg.epochs, shuffle=False,
                  validation_data=(x[:200], y[:200]), verbose=0)
    for k, v in h.history.items():
        print(k, np.round(v, 4))
    print("weights finite", all(np.isfinite(a).all() for a in model.get_weights()))


if __name__ == "__main__":
    main(Run())
