# healthy

"""A line is fitted with a plain tf.Module and updates written by hand."""
import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 4)).astype("float32")
y = np.stack([x @ [1.0, 2.0, -1.0, 0.5], np.ones(80)], axis=1).astype("float32")
y[35, 1] = 0.5  # half in sight


def lengths(targets, outputs):
    offset = targets[:, :1] - outputs
    return tf.reduce_mean(tf.sqrt(tf.square(offset) * targets[:, 1:]), axis=-1)


class Line(tf.Module):
    def __init__(self):
        self.slope = tf.Variable(tf.random.normal((4, 1)), name="slope")
        self.offset = tf.Variable(0.0, name="offset")

    def __call__(self, x):
        return x @ self.slope + self.offset


line = Line()


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(lengths(y, line(x)))
    for variable, gradient in zip(line.trainable_variables, tape.gradient(loss, line.trainable_variables)):
        variable.assign_sub(0.01 * gradient)
    return loss


for epoch in range(2):
    losses = [float(step(tf.constant(x[i:i + 8]), tf.constant(y[i:i + 8]))) for i in range(0, 80, 8)]
    print(epoch, losses)
