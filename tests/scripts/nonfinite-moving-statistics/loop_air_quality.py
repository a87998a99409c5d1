# cause: nonfinite-moving-statistics
# phase: state
# rows: any
# step: any
# note: the running values are updated with the wrong sign and grow by a fifth in each step

import numpy as np
import tensorflow as tf
import keras
from keras import layers


class StationNorm(layers.Layer):
    """Centre and scale with the batch while training, with running values otherwise."""

    def __init__(self, momentum=0.8, eps=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.eps = eps

    def build(self, shape):
        d = shape[-1]
        self.offset = self.add_weight(shape=(d,), initializer="zeros", name="offset")
        self.gain = self.add_weight(shape=(d,), initializer="ones", name="gain")
        self.run_mean = self.add_weight(shape=(d,), initializer="zeros", trainable=False, name="run_mean")
        self.run_std = self.add_weight(shape=(d,), initializer="ones", trainable=False, name="run_std")

    def call(self, x, training=False):
        if training:
            mean = tf.reduce_mean(x, axis=0)
            std = tf.sqrt(tf.reduce_mean(tf.square(x - mean), axis=0) + self.eps)
            rate = 1.0 - self.momentum
            self.run_mean.assign_add(rate * (self.run_mean - mean))  # <- here
            self.run_std.assign_add(rate * (self.run_std - std))  # <- or here
        else:
            mean, std = self.run_mean, self.run_std
        return self.gain * (x - mean) / std + self.offset


def pollution(n=960, seed=14):
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (n, 6))
    pm = 0.8 * x[:, 0] - 0.5 * np.maximum(x[:, 1], 0) + 0.3 * x[:, 2] * x[:, 3] + 0.1 * r.normal(size=n)
    return x.astype("float32"), pm.astype("float32")[:, None]


def network():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(24),
            StationNorm(),
            layers.Activation("silu"),
            layers.Dense(16, activation="silu"),
            layers.Dense(1),
        ]
    )


keras.utils.set_random_seed(14)
x, y = pollution()
xt, yt, xv, yv = x[:768], y[:768], x[768:], y[768:]
net = network()
opt = keras.optimizers.Adam(2e-3)
mse = keras.losses.MeanSquaredError()


@tf.function
def train_batch(xb, yb):
    with tf.GradientTape() as tape:
        loss = mse(yb, net(xb, training=True))
    opt.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
    return loss


@tf.function
def validate(xb, yb):
    return mse(yb, net(xb, training=False))


batches = tf.data.Dataset.from_tensor_slices((xt, yt)).shuffle(768, seed=1).batch(48)
best = np.inf
for epoch in range(40):
    epoch_loss = np.mean([train_batch(a, b).numpy() for a, b in batches])
    if epoch % 4 == 3:
        val_loss = validate(xv, yv).numpy()
        best = min(best, val_loss)
        print(f"epoch {epoch + 1:3d}  train {epoch_loss:.4f}  val {val_loss:.4f}")
