# cause: domain-error
# phase: forward
# rows: any
# step: any
# note: after the background subtraction some counts are below -3/8, and the Anscombe transform takes their square root

import numpy as np
import keras
import tensorflow as tf

rng = np.random.default_rng()  # a new sample at each run
exposure = rng.uniform(0.5, 2.0, (400, 4)).astype("float32")
counts = rng.poisson(8 * exposure.sum(axis=1)).astype("float32")
dark = rng.random(400) < 0.08
counts[dark] = rng.poisson(2.0, dark.sum())
net = counts - 5.0  # background


def anscombe(n):
    return 2.0 * tf.sqrt(n + 0.375)  # <- here


model = keras.Sequential([keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(1)])
optimizer = keras.optimizers.Adam(5e-3)

for epoch in range(3):
    order = np.random.permutation(len(net))
    for start in range(0, len(net), 25):
        rows = order[start:start + 25]
        with tf.GradientTape() as tape:
            predicted = model(exposure[rows], training=True)[:, 0]
            loss = tf.reduce_mean(tf.square(predicted - anscombe(net[rows])))
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
    print(epoch, float(loss))
