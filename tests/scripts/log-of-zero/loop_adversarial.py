# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# note: the sigmoid saturates at 1 as the inputs grow with the epochs, and log(1 - 1) is -inf

"""Adversarial training: a gradient of the input, then one of the weights on the shifted input."""
import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(2)
x = rng.normal(size=(256, 8)).astype("float32")
y = (x[:, :1] > 0).astype("float32")
net = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
)
adam = keras.optimizers.Adam(1e-2)


def entropy(label, p):
    return -tf.reduce_mean(label * tf.math.log(p) + (1 - label) * tf.math.log(1 - p))  # <- here


for epoch in range(30):
    for start in range(0, 256, 32):
        xb, yb = tf.constant(x[start : start + 32] * (1 + epoch)), tf.constant(y[start : start + 32])
        with tf.GradientTape() as tape:
            tape.watch(xb)
            loss = entropy(yb, net(xb))
        shifted = xb + 0.01 * tf.sign(tape.gradient(loss, xb))
        with tf.GradientTape() as tape:
            loss = entropy(yb, net(shifted))
        adam.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
