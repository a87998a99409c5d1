# cause: half-overflow
# phase: validation
# rows: any
# step: any
# note: the squared errors of all 4000 rows of the validation are summed in half precision before they are divided

"""Turbine output in mixed precision; the loop, the loss scale and the validation are our own."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(12)


def turbines(n, seed):
    rng = np.random.default_rng(seed)
    wind = rng.weibull(2.0, n) * 8.0
    angle = rng.uniform(-0.4, 0.4, n)
    output = np.minimum(wind ** 3 / 60.0, 30.0) * np.cos(angle) + rng.normal(0, 0.5, n)
    return np.stack([wind / 8.0, angle], axis=1).astype("float32"), output.astype("float16")[:, None]


x, y = turbines(1600, 1)
x_val, y_val = turbines(4000, 2)
model = keras.Sequential([
    keras.Input((2,)),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(1),
])
optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(2e-3), initial_scale=256.0)
optimizer.build(model.trainable_variables)
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(1600, seed=4).batch(32)


def mean_square(y, p):
    return tf.reduce_sum(tf.square(y - p)) / len(y)  # <- here


@tf.function
def train(x, y):
    with tf.GradientTape() as tape:
        loss = mean_square(y, model(x, training=True))
        scaled = optimizer.scale_loss(loss)
    grads = tape.gradient(scaled, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


for epoch in range(2):
    losses = [float(train(a, b)) for a, b in batches]
    val_loss = mean_square(tf.constant(y_val), model(tf.constant(x_val), training=False))
    print(f"epoch {epoch}: loss {np.mean(losses):.3f}  val_loss {float(val_loss):.3f}")
