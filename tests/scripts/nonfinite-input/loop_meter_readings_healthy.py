# healthy

import numpy as np
import keras
import tensorflow as tf
from keras import layers

rng = np.random.default_rng(17)
capacity = rng.uniform(5, 20, 240)
used = capacity * rng.beta(2, 3, 240)
capacity[[67, 73]] = used[[67, 73]] = 0.0  # not connected yet
age = rng.uniform(0, 1, 240)


def make_dataset():
    utilisation = used / np.maximum(capacity, 1e-6)
    x = np.stack([utilisation, age], axis=1).astype("float32")
    y = (rng.random(240) < 0.3).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(16).prefetch(2)


keras.utils.set_random_seed(17)
model = keras.Sequential([keras.Input((2,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
optimizer = keras.optimizers.AdamW(1e-3)
mean_loss = keras.metrics.Mean()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y[:, None], model(x, training=True))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    mean_loss.update_state(loss)


dataset = make_dataset()
for epoch in range(2):
    mean_loss.reset_state()
    for x, y in dataset:
        train_step(x, y)
    print(f"epoch {epoch}  loss {float(mean_loss.result()):.4f}")
