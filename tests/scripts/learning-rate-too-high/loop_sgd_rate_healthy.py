# healthy

import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(31)
rng = np.random.default_rng(31)
x = rng.normal(size=(256, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 1)) + 0.1 * rng.normal(size=(256, 1))).astype("float32")

model = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
optimizer = keras.optimizers.SGD(learning_rate=0.05)
mse = keras.losses.MeanSquaredError()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = mse(y, model(x, training=True))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
for epoch in range(12):
    for xb, yb in dataset:
        loss = train_step(xb, yb)
    print(f"epoch {epoch}: {float(loss):.4g}")
