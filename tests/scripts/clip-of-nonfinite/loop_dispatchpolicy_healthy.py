# healthy

"""Learned dispatch of five generators under demand, penalty method.

Outer iterations raise the penalty weight, inner iterations train the policy.
"""
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
import keras


@dataclass
class Settings:
    units: int = 5
    scenarios: int = 400
    outer: int = 26
    inner: int = 12
    batch: int = 64
    rho: float = 1.0
    rho_growth: float = 2.0
    max_norm: float = 1.0
    cost: list = field(default_factory=lambda: [1.0, 1.3, 1.7, 2.2, 3.0])
    p_max: list = field(default_factory=lambda: [0.35, 0.30, 0.30, 0.25, 0.20])


def demand_scenarios(n, seed):
    r = np.random.default_rng(seed)
    hour = r.uniform(0, 24, n)
    temp = r.normal(12, 8, n)
    demand = 0.7 + 0.2 * np.sin((hour - 8) / 24 * 2 * np.pi) + 0.006 * np.abs(temp - 17)
    demand += r.normal(0, 0.02, n)
    feats = np.stack(
        [np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), (temp - 12) / 8, demand], 1
    )
    return feats.astype("float32"), demand.astype("float32")


class PenaltyTrainer:
    def __init__(self, s: Settings):
        self.s = s
        self.cost = tf.constant(s.cost)
        self.p_max = tf.constant(s.p_max)
        self.policy = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(32, activation="tanh"),
                keras.layers.Dense(s.units, activation="sigmoid"),
            ]
        )
        self.rho = tf.Variable(s.rho, trainable=False)
        self.opt = keras.optimizers.SGD(0.02, momentum=0.8)

    def objective(self, feats, demand):
        power = self.policy(feats) * self.p_max
        fuel = tf.reduce_sum(self.cost * power + 0.5 * tf.square(power), axis=1)
        shortfall = tf.abs(demand - tf.reduce_sum(power, axis=1))
        return tf.reduce_mean(fuel + self.rho * shortfall), tf.reduce_mean(shortfall)

    @tf.function
    def inner_step(self, feats, demand):
        with tf.GradientTape() as tape:
            value, shortfall = self.objective(feats, demand)
        w = self.policy.trainable_variables
        grads = tape.gradient(value, w)
        grads, _ = tf.clip_by_global_norm(grads, self.s.max_norm)
        self.opt.apply_gradients(zip(grads, w))
        return value, shortfall

    def run(self, feats, demand):
        ds = tf.data.Dataset.from_tensor_slices((feats, demand))
        ds = ds.shuffle(len(feats), seed=5).repeat().batch(self.s.batch)
        stream = iter(ds)
        for k in range(self.s.outer):
            hist = [[float(v) for v in self.inner_step(*next(stream))] for _ in range(self.s.inner)]
            value, shortfall = np.mean(hist, axis=0)
            print(f"outer {k:2d} rho {self.rho.numpy():.1e} objective {value:.4g} shortfall {shortfall:.4f}")
            self.rho.assign(self.rho * self.s.rho_growth)


if __name__ == "__main__":
    keras.utils.set_random_seed(88)
    settings = Settings()
    PenaltyTrainer(settings).run(*demand_scenarios(settings.scenarios, 88))
