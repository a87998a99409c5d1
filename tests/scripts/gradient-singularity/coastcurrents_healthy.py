# healthy

"""Downscaling surface currents on a coastal grid (land cells are masked)."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(404)
G = 24


def coastline():
    yy, xx = np.mgrid[0:G, 0:G]
    sea = (xx + 3 * np.sin(yy / 4.0)) > 6
    sea &= ~(((yy - 15) ** 2 + (xx - 15) ** 2) < 8)
    return sea.astype("float32")[..., None]


SEA = coastline()


def synth_fields(n, seed):
    r = np.random.default_rng(seed)
    yy, xx = np.mgrid[0:G, 0:G] / G
    coarse, fine = [], []
    for _ in range(n):
        a, b = r.normal(0, 1, 2)
        px, py = r.uniform(0, 2 * np.pi, 2)
        u = a * np.sin(2 * np.pi * yy + py) + 0.3 * np.sin(8 * np.pi * yy * xx)
        v = b * np.cos(2 * np.pi * xx + px) + 0.3 * np.cos(7 * np.pi * xx)
        f = np.stack([u, v], -1)
        c = f.reshape(G // 4, 4, G // 4, 4, 2).mean((1, 3)).repeat(4, 0).repeat(4, 1)
        fine.append(f * SEA)
        coarse.append(np.concatenate([c, SEA], -1))
    return np.array(coarse, "float32"), np.array(fine, "float32")


def speed(field):
    return tf.sqrt(tf.reduce_sum(tf.square(field), axis=-1) + 1e-12)


SEA_SHARE = float(SEA.mean())


class Downscaler(keras.Model):
    def __init__(self, speed_weight=0.5):
        super().__init__()
        self.speed_weight = speed_weight
        self.body = keras.Sequential(
            [
                layers.Conv2D(16, 3, padding="same", activation="gelu"),
                layers.Conv2D(16, 3, padding="same", activation="gelu"),
                layers.Conv2D(2, 3, padding="same"),
            ]
        )
        self.sea = tf.constant(SEA)
        self.tracker = {k: keras.metrics.Mean(name=k) for k in ("loss", "vector", "speed")}

    def call(self, x, training=False):
        return self.body(x, training=training) * self.sea

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            pred = self(x, training=True)
            vector = tf.reduce_mean(speed(pred - y)) / SEA_SHARE
            spd = tf.reduce_mean(tf.square(speed(pred) - speed(y))) / SEA_SHARE
            loss = vector + self.speed_weight * spd
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        for k, v in dict(loss=loss, vector=vector, speed=spd).items():
            self.tracker[k].update_state(v)
        return {k: m.result() for k, m in self.tracker.items()}

    @property
    def metrics(self):
        return list(self.tracker.values())


x, y = synth_fields(192, 3)
model = Downscaler()
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
hist = model.fit(x, y, batch_size=16, epochs=2, verbose=0)
print(hist.history)
