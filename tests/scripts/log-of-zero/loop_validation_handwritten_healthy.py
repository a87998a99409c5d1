# healthy

import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(300, 4)).astype("float32")
y = np.digitize(x[:, 0], [-0.5, 0.5]).astype("int32")
x_train, y_train, x_val, y_val = x[:240], y[:240], x[240:], y[240:]
x_val[5] *= 400

w = tf.Variable(tf.random.normal((4, 3)) * 0.1)
b = tf.Variable(tf.zeros(3))


def probabilities(x):
    return tf.nn.softmax(x @ w + b)


def cross_entropy(x, y):
    p = probabilities(x)
    return -tf.reduce_mean(tf.reduce_sum(tf.one_hot(y, 3) * tf.math.log(tf.maximum(p, 1e-7)), axis=1))


@tf.function
def train(x, y):
    with tf.GradientTape() as tape:
        loss = cross_entropy(x, y)
    for variable, gradient in zip((w, b), tape.gradient(loss, (w, b))):
        variable.assign_sub(0.5 * gradient)
    return loss


for epoch in range(4):
    for i in range(0, 240, 40):
        loss = train(x_train[i:i + 40], y_train[i:i + 40])
    val_loss = cross_entropy(tf.constant(x_val), tf.constant(y_val))
    print(epoch, float(loss), float(val_loss))
