# healthy
# note: the penalty is 1e-3 times the squares

"""Wine acidity from a small network of variables; the L2 penalty is written out."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(11)
x = rng.normal(size=(256, 10)).astype("float32")
y = np.sin(x[:, :1]) + 0.1 * rng.normal(size=(256, 1)).astype("float32")

w1 = tf.Variable(rng.normal(0, 0.3, (10, 16)).astype("float32"), name="w1")
b1 = tf.Variable(tf.zeros(16), name="b1")
w2 = tf.Variable(rng.normal(0, 0.25, (16, 1)).astype("float32"), name="w2")
variables = [w1, b1, w2]


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        error = tf.reduce_mean(tf.square(tf.tanh(xb @ w1 + b1) @ w2 - yb))
        loss = error + 1e-3 * tf.add_n([tf.nn.l2_loss(v) for v in (w1, w2)])
    for v, g in zip(variables, tape.gradient(loss, variables)):
        v.assign_sub(0.01 * g)
    return error


for n in range(80):
    rows = rng.integers(0, 256, 32)
    error = step(tf.constant(x[rows]), tf.constant(y[rows]))
print(float(error))
