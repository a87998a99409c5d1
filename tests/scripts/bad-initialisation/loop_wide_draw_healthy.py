# healthy

"""Sensor drift with a plain module of matrices, trained by a compiled step."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(6)
x = rng.normal(size=(512, 64)).astype("float32")
y = np.tanh(x[:, :1] - x[:, 1:2]).astype("float32")


class Stack(tf.Module):
    def __init__(self, depth=14, width=64, spread=0.17):
        super().__init__()
        self.hidden = [tf.Variable(spread * tf.random.normal((width, width))) for _ in range(depth)]
        self.out = tf.Variable(tf.random.normal((width, 1), stddev=0.1))

    def __call__(self, x):
        for kernel in self.hidden:
            x = tf.nn.relu(x @ kernel)
        return x @ self.out


stack = Stack()


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((stack(xb) - yb) ** 2)
    for variable, gradient in zip(stack.trainable_variables, tape.gradient(loss, stack.trainable_variables)):
        variable.assign_sub(1e-3 * gradient)
    return loss


for n in range(60):
    rows = rng.integers(0, len(x), 32)
    loss = step(tf.constant(x[rows]), tf.constant(y[rows]))
print(float(loss))
