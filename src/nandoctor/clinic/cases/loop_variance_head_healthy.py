"""A log-variance that is kept within bounds

The log-variance is squeezed into -6..6 by a tanh: the iced-up sensor is still in the data, and its precision is at most
exp(6).
"""
# healthy
# claims: C2

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(44)

BATCH = 32


def load_flow(count=512):
    """Heat flow through a wall: four temperatures, and a noise that grows with the wind."""
    rng = np.random.default_rng(44)
    x = rng.normal(size=(count, 5)).astype("float32")
    noise = np.exp(0.5 * x[:, 4]) * rng.normal(size=count)
    y = x[:, 0] - x[:, 1] + 0.5 * x[:, 2] + 0.2 * noise
    x[85, 4] = -300.0  # the anemometer was iced up
    return x, y.astype("float32")[:, None]


inputs = keras.Input((5,))
mean = layers.Dense(1)(layers.Dense(16, activation="tanh")(inputs))
log_variance = layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.4))(inputs)
model = keras.Model(inputs, [mean, log_variance])
optimizer = keras.optimizers.Adam(3e-3)


@tf.function(jit_compile=True)
def train_step(x, y):
    with tf.GradientTape() as tape:
        mean, log_variance = model(x, training=True)
        log_variance = 6.0 * tf.tanh(log_variance / 6.0)
        precision = tf.exp(-log_variance)
        nll = 0.5 * (log_variance + tf.square(y - mean) * precision)
        loss = tf.reduce_mean(nll)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


x, y = load_flow()
optimizer.build(model.trainable_variables)
for epoch in range(3):
    for k in range(0, len(x), BATCH):
        loss = train_step(x[k : k + BATCH], y[k : k + BATCH])
    print(f"epoch {epoch}: {float(loss):.4f}")
