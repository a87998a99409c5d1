# healthy

"""Assign incidents to free ambulances: pointer attention over a varying fleet."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

FLEET = 9


def incidents(n, seed):
    r = np.random.default_rng(seed)
    inc = r.uniform(-1, 1, (n, 2))
    units = r.uniform(-1, 1, (n, FLEET, 2))
    speed = r.uniform(0.5, 1.5, (n, FLEET, 1))
    busy = r.random((n, FLEET)) < r.choice([0.2, 0.6, 0.95], (n, 1))
    busy[np.arange(n), r.integers(0, FLEET, n)] = False
    eta = np.linalg.norm(units - inc[:, None], axis=-1) / speed[..., 0]
    eta[busy] = np.inf
    best = eta.argmin(1)
    urgent = r.random(n) < 0.03
    return [a.astype("float32") for a in (inc, np.concatenate([units, speed], -1), busy)] + [
        best.astype("int32"),
        urgent.astype("float32"),
        eta.astype("float32"),
    ]


class Pointer(keras.Model):
    def __init__(self, dim=24):
        super().__init__()
        self.q = layers.Dense(dim, activation="gelu")
        self.k = layers.Dense(dim, activation="gelu")
        self.score = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)])

    def call(self, inc, units, busy):
        rel = tf.concat([units, units[..., :2] - inc[:, None]], -1)
        q = tf.repeat(self.q(inc)[:, None], FLEET, axis=1)
        s = self.score(tf.concat([q, self.k(rel)], -1))[..., 0]
        return tf.where(busy > 0, -np.inf, s)


def masked_log_prob(logits, choice):
    top = tf.stop_gradient(tf.reduce_max(logits, axis=-1, keepdims=True))
    shifted = logits - top
    total = tf.reduce_sum(tf.exp(shifted), axis=-1)
    picked = tf.gather(shifted, choice, batch_dims=1)
    return picked - tf.math.log(total)


keras.utils.set_random_seed(42)
arrays = incidents(1200, 42)
ds = tf.data.Dataset.from_tensor_slices(tuple(arrays)).shuffle(1200, seed=1).batch(40)
model = Pointer()
opt = keras.optimizers.Adam(2e-3)


@tf.function
def step(inc, units, busy, best, urgent, eta):
    with tf.GradientTape() as tape:
        logp = masked_log_prob(model(inc, units, busy), best)
        routine = -tf.reduce_mean(logp)
        urgent_part = -tf.math.divide_no_nan(tf.reduce_sum(urgent * logp), tf.reduce_sum(urgent))
        loss = routine + 0.3 * urgent_part
    g = tape.gradient(loss, model.trainable_variables)
    opt.apply_gradients(zip(g, model.trainable_variables))
    return loss


for epoch in range(6):
    losses = [float(step(*b)) for b in ds]
    mean_eta = np.mean(arrays[-1])
    print(f"epoch {epoch} loss {np.mean(losses):.4f} (mean eta of whole fleet {mean_eta})")
