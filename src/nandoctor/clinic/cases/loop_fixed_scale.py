"""A loss scale by hand that float16 cannot hold

The loss is multiplied by 2^17 before the backward pass, so that small gradients survive float16. 131,072 is itself
beyond float16, which ends at 65,504: the scale is inf, all gradients are NaN or inf, and they are applied unchecked.
"""
# cause: half-overflow
# phase: forward
# rows: any
# step: 1
# claims: C3, R10

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(47)
keras.mixed_precision.set_global_policy("mixed_float16")

SCALE = 2.0**17

digits = load_digits()
images = (digits.data / 16.0).astype("float32")
batches = tf.data.Dataset.from_tensor_slices((images, digits.target)).batch(64, drop_remainder=True)

model = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(48, activation="relu"),
    layers.Dense(10),
])
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        scaled = loss * tf.cast(SCALE, loss.dtype)  # <- here
    gradients = tape.gradient(scaled, model.trainable_variables)
    gradients = [g / SCALE for g in gradients]
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(3):
    losses = [float(train_step(x, y)) for x, y in batches]
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}")
