# healthy

"""Surrogate for a heat exchanger: start from weights of the size that the old code used, then train in a loop."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(12)
rng = np.random.default_rng(12)
x = rng.normal(size=(512, 24)).astype("float32")
y = np.tanh(x[:, :1] * x[:, 1:2]).astype("float32")

WIDTH, DEPTH = 64, 10
SPREAD = 0.7

model = keras.Sequential([keras.Input((24,))])
for _ in range(DEPTH):
    model.add(layers.Dense(WIDTH, activation="relu", kernel_initializer="he_normal"))
model.add(layers.Dense(1))


def old_size(array):
    return array * SPREAD if array.ndim == 2 else array


model.set_weights([rng.normal(0.0, 0.2, w.shape) for w in model.get_weights()])
model.set_weights([old_size(w) for w in model.get_weights()])
optimizer = keras.optimizers.SGD(1e-3)


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(xb, training=True) - yb))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(4):
    for start in range(0, len(x), 32):
        loss = step(tf.constant(x[start : start + 32]), tf.constant(y[start : start + 32]))
    print(f"epoch {epoch}: {float(loss):.4g}")
