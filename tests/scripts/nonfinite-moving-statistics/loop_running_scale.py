# cause: nonfinite-moving-statistics
# phase: state
# rows: any
# step: 31
# note: the decayed mean of squares meets a reading of 3e20 volts: its square overflows, the loss (of clipped values) stays finite

"""Voltages scaled by a running mean of their squares, kept in a variable of a plain module."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(14)
volts = rng.normal(0, 1, (1200, 3)).astype("float32")
volts[607, 1] = 3e20
power = np.tanh(volts.sum(axis=1, keepdims=True)).astype("float32")


class Meter(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.random.normal((3, 1), stddev=0.3, seed=1))
        self.level = tf.Variable(tf.ones(3), trainable=False)

    def __call__(self, x, training):
        if training:
            self.level.assign(0.9 * self.level + 0.1 * tf.reduce_mean(tf.square(x), axis=0))  # <- here
        return tf.clip_by_value(x, -3.0, 3.0) @ self.w


meter = Meter()


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((meter(x, training=True) - y) ** 2)
    meter.w.assign_sub(0.1 * tape.gradient(loss, meter.w))
    return loss


for start in range(0, 1200, 20):
    loss = step(tf.constant(volts[start : start + 20]), tf.constant(power[start : start + 20]))
print(float(loss), meter.level.numpy())
