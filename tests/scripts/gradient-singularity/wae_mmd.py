# cause: gradient-singularity
# phase: backward
# rows: any
# step: 1
# note: the kernel of the code with itself has a diagonal of distances of exactly 0, where the norm has no slope

"""Wasserstein auto-encoder on digits; the latent code is matched to the prior by MMD."""
from __future__ import annotations

import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_digits


def distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    delta = a[:, tf.newaxis, :] - b[tf.newaxis, :, :]
    return tf.norm(delta, axis=-1)  # <- here


def laplace_kernel(a: tf.Tensor, b: tf.Tensor, widths=(0.5, 1.0, 2.0)) -> tf.Tensor:
    d = distances(a, b)
    return tf.add_n([tf.exp(-d / w) for w in widths]) / len(widths)


def mmd(code: tf.Tensor, prior: tf.Tensor) -> tf.Tensor:
    within = tf.reduce_mean(laplace_kernel(code, code)) + tf.reduce_mean(laplace_kernel(prior, prior))  # <- or here
    return within - 2.0 * tf.reduce_mean(laplace_kernel(code, prior))


class WAE(keras.Model):
    def __init__(self, latent: int = 4, strength: float = 10.0):
        super().__init__()
        self.latent, self.strength = latent, strength
        self.encoder = keras.Sequential([
            keras.layers.Dense(48, activation="swish"),
            keras.layers.Dense(latent),
        ])
        self.decoder = keras.Sequential([
            keras.layers.Dense(48, activation="swish"),
            keras.layers.Dense(64, activation="sigmoid"),
        ])
        self.m_rec = keras.metrics.Mean(name="reconstruction")
        self.m_mmd = keras.metrics.Mean(name="mmd")

    @property
    def metrics(self):
        return [self.m_rec, self.m_mmd]

    def call(self, x, training=False):
        return self.decoder(self.encoder(x))

    def train_step(self, x):
        prior = tf.random.normal((tf.shape(x)[0], self.latent))
        with tf.GradientTape() as tape:
            code = self.encoder(x, training=True)
            rec = tf.reduce_mean(tf.reduce_sum(tf.square(self.decoder(code, training=True) - x), axis=1))
            gap = mmd(code, prior)
            objective = rec + self.strength * gap
        grads = tape.gradient(objective, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.m_rec.update_state(rec)
        self.m_mmd.update_state(gap)
        return {"reconstruction": self.m_rec.result(), "mmd": self.m_mmd.result()}


class Report(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"[{epoch:03d}] rec={logs['reconstruction']:.5f} mmd={logs['mmd']:.5f}")


def main() -> None:
    keras.utils.set_random_seed(2)
    x = (load_digits().data / 16.0).astype(np.float32)
    ds = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=2).batch(64, drop_remainder=True)
    wae = WAE()
    wae.compile(optimizer=keras.optimizers.RMSprop(1e-3))
    wae.fit(ds, epochs=4, verbose=0, callbacks=[Report()])


if __name__ == "__main__":
    main()
