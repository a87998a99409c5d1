# cause: half-overflow
# phase: forward
# rows: any
# step: any
# note: sums of 1024 squares of samples up to 16 are beyond 65504 in float16

"""Loudness of short sounds by a plain module; the energy is computed in float16 to save memory."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(9)
loud = rng.uniform(0.5, 4.0, 160)
loud[70:] *= 3.5
sounds = (loud[:, None] * rng.normal(size=(160, 1024))).astype("float32")
target = np.log(loud)[:, None].astype("float32")

w = tf.Variable([[0.1], [0.0]])
b = tf.Variable([0.0])


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        short = tf.cast(xb, tf.float16)
        energy = tf.reduce_sum(short * short, axis=1, keepdims=True)  # <- here
        level = tf.cast(tf.math.log(energy), tf.float32) / 10.0
        features = tf.concat([level, level * level], axis=1)
        loss = tf.reduce_mean(tf.square(features @ w + b - yb))
    for v, g in zip((w, b), tape.gradient(loss, (w, b))):
        v.assign_sub(0.05 * g)
    return loss


for epoch in range(3):
    for n in range(0, 160, 16):
        loss = step(tf.constant(sounds[n : n + 16]), tf.constant(target[n : n + 16]))
    print(epoch, float(loss))
