# healthy
# note: a decay of 0.1, strong and sane

"""Heating load of houses; one compiled step with AdamW."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
x = rng.normal(size=(512, 8)).astype("float32")
y = (x[:, :2].sum(axis=1, keepdims=True) + 0.1 * rng.normal(size=(512, 1))).astype("float32")

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)


@tf.function
def train_step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(xb, training=True) - yb))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(512, seed=3).repeat().batch(32)
for n, (xb, yb) in enumerate(batches.take(300)):
    loss = train_step(xb, yb)
print(float(loss))
