# cause: learning-rate-too-high
# phase: forward
# rows: any
# step: any
# note: the rate is multiplied by the batch size without a reference size: 3.2

"""Coefficient-of-performance surrogate for the heat pump test bench.

usage: heatpump.py [--epochs N] [--batch-size B]
"""
import argparse
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


@dataclass
class Config:
    width: int = 64
    depth: int = 3
    base_lr: float = 0.05  # <- or here
    momentum: float = 0.9
    warmup_steps: int = 40
    total_steps: int = 400
    batch_size: int = 64
    epochs: int = 12
    seed: int = 9


@keras.saving.register_keras_serializable()
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak, warmup, total):
        self.peak, self.warmup, self.total = peak, warmup, total

    def __call__(self, step):
        step = ops.cast(step, "float32")
        up = self.peak * (step + 1.0) / self.warmup  # <- or here
        frac = ops.clip((step - self.warmup) / (self.total - self.warmup), 0.0, 1.0)
        down = 0.5 * self.peak * (1.0 + ops.cos(np.pi * frac))
        return ops.where(step < self.warmup, up, down)

    def get_config(self):
        return dict(peak=self.peak, warmup=self.warmup, total=self.total)


def bench_data(seed):
    r = np.random.default_rng(seed)
    n = 2400
    t_out = r.uniform(-15, 18, n)
    t_flow = r.uniform(28, 60, n)
    load = r.uniform(0.2, 1.0, n)
    fan = r.uniform(300, 900, n)
    lift = np.maximum(t_flow - t_out, 12)
    cop = 0.42 * (t_flow + 273.15) / lift * (1 - 0.15 * (load - 0.6) ** 2)
    cop += 0.0003 * (fan - 600) + r.normal(0, 0.08, n)
    return np.stack([t_out, t_flow, load, fan], 1), cop[:, None]


def build(cfg):
    inp = keras.Input((4,))
    x = inp
    for _ in range(cfg.depth):
        x = layers.Dense(cfg.width, activation="gelu", kernel_initializer="he_normal")(x)
    return keras.Model(inp, layers.Dense(1)(x), name="cop_surrogate")


def run(cfg):
    keras.utils.set_random_seed(cfg.seed)
    X, y = bench_data(cfg.seed)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.2, random_state=cfg.seed)
    sx, sy = StandardScaler().fit(X_tr), StandardScaler().fit(y_tr)

    schedule = WarmupCosine(cfg.base_lr * cfg.batch_size, cfg.warmup_steps, cfg.total_steps)  # <- here
    model = build(cfg)
    model.compile(
        optimizer=keras.optimizers.SGD(schedule, momentum=cfg.momentum, nesterov=True),  # <- or here
        loss="mean_squared_error",
    )
    h = model.fit(
        sx.transform(X_tr),
        sy.transform(y_tr),
        validation_data=(sx.transform(X_va), sy.transform(y_va)),
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        verbose=2,
    )
    return h.history


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=Config.epochs)
    p.add_argument("--batch-size", type=int, default=Config.batch_size)
    a = p.parse_args()
    out = run(Config(epochs=a.epochs, batch_size=a.batch_size))
    print("final", out["loss"][-1], out["val_loss"][-1])
