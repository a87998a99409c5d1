# healthy

"""Surrogate model of alloy hardness; a small trainer class."""
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
import keras


@dataclass
class Settings:
    widths: tuple = (128, 128, 128)
    lr: float = 1e-2
    momentum: float = 0.9
    batch: int = 64
    epochs: int = 5
    seed: int = 19
    log: list = field(default_factory=list)


class AlloyData:
    ELEMENTS = ("C", "Cr", "Ni", "Mo", "Mn", "Si", "V", "W")

    def __init__(self, seed, n=960):
        r = np.random.default_rng(seed)
        comp = r.dirichlet(np.ones(8), n)
        hard = 2 * comp[:, 0] + comp[:, 1] * comp[:, 3] * 6 - comp[:, 2] + 0.05 * r.normal(size=n)
        self.x = ((comp - comp.mean(0)) / comp.std(0)).astype("float32")
        self.y = ((hard - hard.mean()) / hard.std()).astype("float32")[:, None]

    def split(self, k=800):
        return (self.x[:k], self.y[:k]), (self.x[k:], self.y[k:])


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        keras.utils.set_random_seed(cfg.seed)
        self.model = self._build()
        self.opt = keras.optimizers.SGD(cfg.lr, momentum=cfg.momentum)

    def _build(self):
        inp = keras.Input((8,))
        h = inp
        for width in self.cfg.widths:
            h = keras.layers.Dense(
                width,
                activation="relu",
                kernel_initializer="he_normal",
            )(h)
        return keras.Model(inp, keras.layers.Dense(1)(h))

    @tf.function
    def _step(self, x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.model(x, training=True) - y))
        g = tape.gradient(loss, self.model.trainable_variables)
        self.opt.apply_gradients(zip(g, self.model.trainable_variables))
        return loss

    def fit(self, train, valid):
        ds = tf.data.Dataset.from_tensor_slices(train).shuffle(1000, seed=self.cfg.seed).batch(self.cfg.batch)
        for epoch in range(self.cfg.epochs):
            losses = [float(self._step(x, y)) for x, y in ds]
            val = float(tf.reduce_mean(tf.square(self.model(valid[0]) - valid[1])))
            self.cfg.log.append((np.mean(losses), val))
            print(f"epoch {epoch}: first {losses[0]:.4g} mean {np.mean(losses):.4g} val {val:.4g}")


if __name__ == "__main__":
    settings = Settings()
    train, valid = AlloyData(settings.seed).split()
    Trainer(settings).fit(train, valid)
