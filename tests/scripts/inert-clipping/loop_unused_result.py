# cause: inert-clipping
# phase: forward
# rows: any
# step: any
# note: tf.clip_by_value returns what it clipped; here nobody takes it

import keras
import numpy as np
import tensorflow as tf

tf.random.set_seed(2)
keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
inputs = rng.normal(size=(400, 8)).astype("float32")
outputs = (inputs @ rng.normal(size=(8, 1)) * 3.0).astype("float32")
batches = tf.data.Dataset.from_tensor_slices((inputs, outputs)).batch(40).repeat(6)

net = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="leaky_relu"), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD(0.4, momentum=0.9)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(net(x, training=True) - y))
    gradients = tape.gradient(loss, net.trainable_variables)
    for gradient in gradients:
        tf.clip_by_value(gradient, -1.0, 1.0)  # <- here
    optimizer.apply_gradients(zip(gradients, net.trainable_variables))
    return loss


for x, y in batches:
    loss = step(x, y)
print("loss", float(loss))
