# healthy

"""Differentially private SGD after training on public data: each example's gradient is clipped, then noise is added."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

CLIP, NOISE = 1.0, 0.3

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
x = rng.normal(size=(128, 6)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
optimizer = keras.optimizers.SGD(0.2)


def clipped_gradient(example):
    xi, yi = example
    with tf.GradientTape() as tape:
        logit = model(xi[None])[0, 0]
        loss = tf.nn.sigmoid_cross_entropy_with_logits(yi, logit)
    grads, _ = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), CLIP)
    return loss, grads


@tf.function
def private_step(xb, yb):
    losses, grads = tf.vectorized_map(clipped_gradient, (xb, yb))
    n = tf.cast(tf.shape(xb)[0], tf.float32)
    noisy = [tf.reduce_mean(g, axis=0) + tf.random.normal(tf.shape(g)[1:], stddev=NOISE * CLIP) / n for g in grads]
    optimizer.apply_gradients(zip(noisy, model.trainable_variables))
    return tf.reduce_mean(losses)


@tf.function
def public_step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(yb, model(xb)[:, 0]))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


for i in range(0, 64, 16):
    public_step(x[i:i + 16], y[i:i + 16])
for epoch in range(3):
    for i in range(64, 128, 32):
        loss = private_step(x[i:i + 32], y[i:i + 32])
    print(epoch, float(loss))
