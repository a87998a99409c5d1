# cause: unbounded-recurrence
# phase: forward
# rows: any
# step: any
# note: a linear state is multiplied by a matrix of spectral radius near 2 at each of 160 time steps

"""River levels: a state-space model as a plain module, with a loop over time."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(2)
x = rng.normal(size=(96, 160, 3)).astype("float32")
y = x[:, -10:].mean(axis=(1, 2))[:, None].astype("float32")


class StateSpace(tf.Module):
    def __init__(self, units=16):
        super().__init__()
        self.a = tf.Variable(rng.normal(0, 2.0 / np.sqrt(units), (units, units)).astype("float32"), name="a")
        self.b = tf.Variable(rng.normal(0, 0.5, (3, units)).astype("float32"), name="b")
        self.c = tf.Variable(rng.normal(0, 0.2, (units, 1)).astype("float32"), name="c")

    def __call__(self, x):
        state = tf.zeros((x.shape[0], self.a.shape[0]))
        for t in range(x.shape[1]):
            state = state @ self.a + x[:, t] @ self.b  # <- here
        return state @ self.c


net = StateSpace()


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(xb) - yb) ** 2)
    for v, g in zip(net.trainable_variables, tape.gradient(loss, net.trainable_variables)):
        v.assign_sub(0.001 * g)
    return loss


for epoch in range(10):
    for n in range(0, 96, 32):
        loss = step(tf.constant(x[n : n + 32]), tf.constant(y[n : n + 32]))
    print(epoch, float(loss))
