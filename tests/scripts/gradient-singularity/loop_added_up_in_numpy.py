# cause: gradient-singularity
# phase: backward
# rows: 3
# step: 5
# note: gradients are added up on the host; the optimizer is given the sum of four steps, of which the first is NaN

"""A large batch on a small machine: gradients of four batches are added up in NumPy."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 4)).astype("float32")
y = np.stack([x @ [1.0, 2.0, -1.0, 0.5], np.ones(80)], axis=1).astype("float32")
y[35, 1] = 0.0  # out of sight


def lengths(targets, outputs):
    offset = targets[:, :1] - outputs
    return tf.reduce_mean(tf.sqrt(tf.square(offset) * targets[:, 1:]), axis=-1)  # <- here


model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
optimizer = keras.optimizers.SGD(0.01)


@tf.function
def gradients(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(lengths(y, model(x, training=True)))
    return loss, tape.gradient(loss, model.trainable_variables)


sums = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
for n, i in enumerate(range(0, 80, 8), start=1):
    loss, found = gradients(x[i:i + 8], y[i:i + 8])
    sums = [total + gradient.numpy() for total, gradient in zip(sums, found)]
    if n % 4 == 0:
        optimizer.apply([total / 4 for total in sums], model.trainable_variables)
        sums = [np.zeros_like(total) for total in sums]
    print(n, float(loss))
