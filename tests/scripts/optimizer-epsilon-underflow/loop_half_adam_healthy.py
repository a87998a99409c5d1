# healthy
# note: weights in float32

import keras
import tensorflow as tf
from sklearn.datasets import load_digits

keras.utils.set_random_seed(30)
keras.config.set_dtype_policy("mixed_float16")

x, y = load_digits(return_X_y=True)
data = tf.data.Dataset.from_tensor_slices(((x / 16.0).astype("float16"), y)).batch(32)

model = keras.Sequential([
    keras.Input((64,), dtype="float16"),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(10),
])
optimizer = keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-8)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = loss_of(yb, model(xb, training=True))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss


for epoch in range(2):
    for xb, yb in data:
        loss = step(xb, yb)
    print(epoch, float(loss))
