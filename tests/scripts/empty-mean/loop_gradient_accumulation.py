# cause: empty-mean
# phase: forward
# rows: any
# step: any
# note: a micro-batch without one night hour has no element for the night's mean

"""Forecast the load of a grid; nights count twice. Gradients of four micro-batches make one update."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

MICRO, ACCUMULATE = 8, 4

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
hour = np.tile(np.repeat([2, 9, 14, 22], 6), 16).astype("float32")  # blocks of six readings
load = (0.5 + 0.4 * np.sin(hour / 24 * 6.28) + rng.normal(0, 0.05, hour.size)).astype("float32")
night = (hour < 6) | (hour > 21)
x = np.stack([np.sin(hour / 24 * 6.28), np.cos(hour / 24 * 6.28), night], axis=1).astype("float32")

model = keras.Sequential([keras.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
optimizer = keras.optimizers.Adam(1e-2)


def loss_fn(x, y, predicted):
    error = tf.abs(y - predicted)
    night = x[:, 2] > 0.5
    return tf.reduce_mean(error) + tf.reduce_mean(tf.boolean_mask(error, night))  # <- here


@tf.function
def micro_gradients(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(x, y, model(x, training=True)[:, 0]) / ACCUMULATE
    return loss, tape.gradient(loss, model.trainable_variables)


micro_batches = tf.data.Dataset.from_tensor_slices((x, load)).batch(MICRO)
sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in model.trainable_variables]
for epoch in range(2):
    for n, (xb, yb) in enumerate(micro_batches, 1):
        loss, grads = micro_gradients(xb, yb)
        for total, g in zip(sums, grads):
            total.assign_add(g)
        if n % ACCUMULATE == 0:
            optimizer.apply_gradients(zip(sums, model.trainable_variables))
            for total in sums:
                total.assign(tf.zeros_like(total))
    print("epoch", epoch, float(loss) * ACCUMULATE)
