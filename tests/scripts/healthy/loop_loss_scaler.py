# healthy

"""Mixed precision by hand: the scaler begins too high, skips its first steps, and finds its scale."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(9)
keras.mixed_precision.set_global_policy("mixed_float16")
rng = np.random.default_rng(9)
x = rng.normal(size=(128, 8)).astype("float32")
y = (x @ rng.normal(size=(8, 1))).astype("float32")
model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1, dtype="float32")])
optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2), initial_scale=2.0**24)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        scaled = optimizer.scale_loss(loss)
    grads = tape.gradient(scaled, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


for epoch in range(6):
    for i in range(0, 128, 16):
        loss = step(x[i:i + 16], y[i:i + 16])
    print(epoch, float(loss), float(optimizer.dynamic_scale))
