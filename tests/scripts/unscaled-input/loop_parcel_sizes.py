# cause: unscaled-input
# phase: forward
# rows: any
# step: any
# note: millimetres and grams go in as they are, so an ordinary rate overshoots by orders of magnitude

import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(41)
rng = np.random.default_rng(41)
length, width = rng.uniform(200, 1200, 320), rng.uniform(100, 600, 320)
weight = rng.uniform(500, 30000, 320)
days = (1 + weight / 10000 + rng.normal(0, 0.2, 320)).astype("float32")
features = np.stack([length, width, weight], axis=1).astype("float32")  # <- here

model = keras.Sequential([keras.Input((3,)), layers.Dense(16, activation="relu"), layers.Dense(1)])
optimizer = keras.optimizers.SGD(0.01)
loss_fn = keras.losses.MeanSquaredError()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y[:, None], model(x, training=True))  # <- or here
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


for epoch in range(4):
    for i in range(0, 320, 32):
        loss = train_step(features[i:i + 32], days[i:i + 32])  # <- or here
    print(epoch, float(loss))
