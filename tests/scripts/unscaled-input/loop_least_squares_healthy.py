# healthy

"""Rent from area and age of a flat: linear regression from scratch."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(11)
area, age = rng.uniform(30, 900, 400), rng.uniform(0, 120, 400)
x = np.stack([area, age], axis=1).astype(np.float32)
x = (x - x.mean(axis=0)) / x.std(axis=0)
y = (0.01 * area - 0.02 * age + rng.normal(0, 0.3, 400)).astype(np.float32)[:, None]

w = tf.Variable(tf.zeros((2, 1)))
b = tf.Variable(0.0)
rate = 0.1

for epoch in range(40):
    for start in range(0, len(x), 50):
        xb, yb = x[start : start + 50], y[start : start + 50]
        with tf.GradientTape() as tape:
            error = xb @ w + b - yb
            loss = tf.reduce_mean(error**2)
        dw, db = tape.gradient(loss, [w, b])
        w.assign_sub(rate * dw)
        b.assign_sub(rate * db)
    print(epoch, loss.numpy())
