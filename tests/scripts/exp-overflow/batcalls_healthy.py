# healthy

"""Weakly labelled bat call detection: one label per recording, many frames."""
from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


class SmoothMaxPool(keras.layers.Layer):
    """Smooth maximum over frames (Pinheiro & Collobert style, sharpness r)."""

    def __init__(self, r: float = 10.0, **kwargs):
        super().__init__(**kwargs)
        self.r = r

    def call(self, scores):
        frames = tf.cast(tf.shape(scores)[1], scores.dtype)
        total = tf.reduce_logsumexp(self.r * scores, axis=1)
        return (total - tf.math.log(frames)) / self.r


class WeakDetector(keras.Model):
    def __init__(self, mels: int, r: float):
        super().__init__()
        self.frame_net = keras.Sequential(
            [
                keras.Input((None, mels)),
                keras.layers.Conv1D(24, 5, padding="same", activation="relu"),
                keras.layers.Conv1D(24, 3, padding="same", activation="relu"),
                keras.layers.Dense(1),
            ]
        )
        self.pool = SmoothMaxPool(r)
        self.acc = keras.metrics.BinaryAccuracy(threshold=0.0, name="acc")
        self.mean_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.mean_loss, self.acc]

    def call(self, x, training=False):
        return self.pool(self.frame_net(x, training=training))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            logit = self(x, training=True)
            bce = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logit)
            loss = tf.reduce_mean(bce)
        variables = self.frame_net.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        self.mean_loss.update_state(loss)
        self.acc.update_state(y, logit)
        return {m.name: m.result() for m in self.metrics}


def recordings(n: int, frames: int, mels: int, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, frames, mels)).astype("float32")
    y = (rng.random(n) < 0.5).astype("float32")
    sweep = np.linspace(mels - 3, 4, 6).astype(int)
    for i in np.flatnonzero(y):
        for _ in range(rng.integers(1, 4)):
            t0 = rng.integers(0, frames - 6)
            x[i, t0 + np.arange(6), sweep] += rng.uniform(3, 5)
    return x, y[:, None]


def main():
    keras.utils.set_random_seed(64)
    x, y = recordings(480, 60, 20, 64)
    model = WeakDetector(mels=20, r=10.0)
    model.compile(optimizer=keras.optimizers.Adam(2e-3))
    hist = model.fit(x, y, batch_size=24, epochs=6, verbose=0)
    for epoch, (loss, acc) in enumerate(zip(hist.history["loss"], hist.history["acc"])):
        print(f"{epoch:02d} loss={loss:.4f} acc={acc:.3f}")


if __name__ == "__main__":
    main()
