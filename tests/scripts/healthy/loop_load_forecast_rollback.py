# healthy

import numpy as np
import tensorflow as tf
import keras


class Guard:
    """Keeps the last good state and goes back to it when the loss jumps."""

    def __init__(self, model, optimizer, factor=6.0):
        self.model, self.optimizer, self.factor = model, optimizer, factor
        self.level = None
        self.rollbacks = 0
        self.save()

    def save(self):
        self.kept = [v.numpy().copy() for v in self.model.variables]
        self.kept_opt = [v.numpy().copy() for v in self.optimizer.variables]

    def restore(self):
        for v, k in zip(self.model.variables, self.kept):
            v.assign(k)
        lr = max(float(self.optimizer.learning_rate) * 0.5, 1e-3)
        for v, k in zip(self.optimizer.variables, self.kept_opt):
            v.assign(k)
        self.optimizer.learning_rate.assign(lr)
        self.rollbacks += 1

    def check(self, loss):
        if self.level is not None and (not np.isfinite(loss) or loss > self.factor * self.level):
            self.restore()
            return False
        self.level = loss if self.level is None else 0.9 * self.level + 0.1 * loss
        return True


def electricity(hours=1300, seed=41):
    r = np.random.default_rng(seed)
    t = np.arange(hours)
    load = np.sin(2 * np.pi * t / 24) + 0.4 * np.sin(2 * np.pi * t / 168) + 0.1 * r.normal(size=hours)
    load[700:706] += 25.0
    x = np.stack([load[i:hours - 24 + i] for i in range(24)], 1)
    return x.astype("float32"), load[24:].astype("float32")[:, None]


keras.utils.set_random_seed(41)
x, y = electricity()
model = keras.Sequential(
    [keras.Input((24,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)]
)
optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
optimizer.build(model.trainable_variables)
guard = Guard(model, optimizer)


@tf.function
def step(a, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(a, training=True) - b))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss


ds = tf.data.Dataset.from_tensor_slices((x[:1100], y[:1100])).batch(50)
for epoch in range(8):
    losses = []
    for i, (a, b) in enumerate(ds):
        loss = float(step(a, b))
        losses.append(loss)
        if guard.check(loss) and i % 4 == 0:
            guard.save()
    val = float(tf.reduce_mean(tf.square(model(x[1100:]) - y[1100:])))
    print(f"epoch {epoch} max {max(losses):.3f} median {np.median(losses):.4f} val {val:.4f} "
          f"rollbacks {guard.rollbacks} lr {float(optimizer.learning_rate):.5f}")
