# healthy

"""The same in one compiled step: a batch whose gradient is not finite is not applied, and counted."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(23)
x = rng.normal(size=(400, 5)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
x[rng.integers(0, 400, 5), rng.integers(0, 5, 5)] = np.inf

w, b = tf.Variable(tf.zeros((5, 1))), tf.Variable(0.0)
counted = tf.Variable(0)


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=yb, logits=xb @ w + b))
    dw, db = tape.gradient(loss, (w, b))
    if tf.reduce_all(tf.math.is_finite(dw)):
        w.assign_sub(0.3 * dw)
        b.assign_sub(0.3 * db)
    else:
        counted.assign_add(1)
    return loss


for n in range(60):
    rows = rng.integers(0, 400, 16)
    step(x[rows], y[rows])
print("counted", int(counted))
assert int(counted) and np.isfinite(w.numpy()).all()
