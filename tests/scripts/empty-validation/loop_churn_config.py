# cause: empty-validation
# phase: validation
# rows: any
# step: any
# note: 60 rows, batches of 64, and the rest is dropped: the mean over no batch

import argparse
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split


@dataclass
class RunConfig:
    rows: int = 600
    val_fraction: float = 0.1  # <- or here
    batch_size: int = 64
    epochs: int = 5
    lr: float = 1e-3
    seed: int = 17


def to_dataset(x, y, cfg, training):
    ds = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y.astype("float32")))
    if training:
        ds = ds.shuffle(len(x), seed=cfg.seed)
    return ds.batch(cfg.batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)  # <- here


def load(cfg):
    x, y = make_classification(cfg.rows, 14, n_informative=7, random_state=cfg.seed)
    xt, xv, yt, yv = train_test_split(x, y, test_size=cfg.val_fraction, random_state=cfg.seed, stratify=y)  # <- or here
    mu, sd = xt.mean(0), xt.std(0) + 1e-6
    return to_dataset((xt - mu) / sd, yt, cfg, True), to_dataset((xv - mu) / sd, yv, cfg, False)  # <- or here


class Engine:
    def __init__(self, cfg):
        self.cfg = cfg
        self.model = tf.keras.Sequential([
            tf.keras.Input((14,)),
            tf.keras.layers.Dense(32, activation="relu"),
            tf.keras.layers.Dropout(0.1),
            tf.keras.layers.Dense(1),
        ])
        self.opt = tf.keras.optimizers.Adam(cfg.lr)

    def loss(self, y, z):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, tf.squeeze(z, -1)))

    @tf.function(reduce_retracing=True)
    def train_batch(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.loss(y, self.model(x, training=True))
        grads = tape.gradient(loss, self.model.trainable_variables)
        self.opt.apply_gradients(zip(grads, self.model.trainable_variables))
        return loss

    @tf.function(reduce_retracing=True)
    def val_batch(self, x, y):
        return self.loss(y, self.model(x, training=False))

    def validate(self, ds):
        losses = [self.val_batch(x, y).numpy() for x, y in ds]  # <- or here
        return float(np.mean(losses))  # <- or here

    def run(self, train, val):
        best = np.inf
        for epoch in range(self.cfg.epochs):
            tr = np.mean([self.train_batch(x, y).numpy() for x, y in train])
            va = self.validate(val)
            if va < best:
                best = va
            print(f"[{epoch + 1}/{self.cfg.epochs}] train_loss={tr:.4f} val_loss={va:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    cfg = RunConfig(epochs=parser.parse_args().epochs)
    tf.keras.utils.set_random_seed(cfg.seed)
    Engine(cfg).run(*load(cfg))
