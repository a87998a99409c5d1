# healthy

"""Regression on telemetry with dropouts; batches are screened before they are used."""
import numpy as np
import tensorflow as tf


def telemetry(n=2000, d=6, seed=44):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype("float32")
    y = (x[:, :1] * 2 - x[:, 1:2] ** 2 + 0.1 * rng.normal(size=(n, 1))).astype("float32")
    lost = rng.choice(n, 25, replace=False)
    x[lost, rng.integers(0, d, 25)] = np.nan
    spikes = rng.choice(np.setdiff1d(np.arange(n), lost), 4, replace=False)
    y[spikes] *= 400.0
    return x, y


class Regressor(tf.Module):
    def __init__(self, d, hidden=32):
        super().__init__()
        g = tf.random.Generator.from_seed(9)
        self.w1 = tf.Variable(g.normal((d, hidden)) * (2.0 / d) ** 0.5)
        self.b1 = tf.Variable(tf.zeros(hidden))
        self.w2 = tf.Variable(g.normal((hidden, 1)) * (1.0 / hidden) ** 0.5)
        self.b2 = tf.Variable(tf.zeros(1))

    def __call__(self, x):
        return tf.nn.relu(x @ self.w1 + self.b1) @ self.w2 + self.b2


class SafeTrainer:
    def __init__(self, model, lr=0.02, beta=0.9, clip=5.0):
        self.model, self.lr, self.beta, self.clip = model, lr, beta, clip
        self.vel = [tf.Variable(tf.zeros_like(v), trainable=False) for v in model.trainable_variables]
        self.skipped = 0

    @tf.function(reduce_retracing=True)
    def gradients(self, x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.model(x) - y))
        grads = tape.gradient(loss, self.model.trainable_variables)
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in grads]))
        factor = self.clip / tf.maximum(norm, self.clip)
        return loss, norm, [g * factor for g in grads]

    def step(self, x, y):
        if not np.isfinite(x.numpy()).all():
            self.skipped += 1
            return None
        loss, norm, grads = self.gradients(x, y)
        for v, m, g in zip(self.model.trainable_variables, self.vel, grads):
            m.assign(self.beta * m + g)
            v.assign_sub(self.lr * m)
        return float(loss)


x, y = telemetry()
ds = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2000, seed=5).batch(20)
trainer = SafeTrainer(Regressor(6))
for epoch in range(6):
    seen = [v for v in (trainer.step(a, b) for a, b in ds) if v is not None]
    print(f"epoch {epoch} median {np.median(seen):.4f} max {np.max(seen):.1f} skipped {trainer.skipped}")
