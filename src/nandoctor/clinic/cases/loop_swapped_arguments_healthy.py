"""A cross-entropy with its arguments in order

The targets first, the probabilities second, as the function says.
"""
# healthy
# claims: C9, C1

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(37)

digits = load_digits()
x = (digits.data / 16.0).astype("float32")
y = keras.utils.to_categorical(digits.target, 10).astype("float32")
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(1800, seed=37).batch(50)


def categorical_loss(targets, probabilities):
    """Mean cross-entropy of a batch."""
    log_p = tf.math.log(tf.maximum(probabilities, 1e-7))
    return -tf.reduce_mean(tf.reduce_sum(targets * log_p, axis=-1))


network = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
optimizer = keras.optimizers.Adam(1e-3)
accuracy = keras.metrics.CategoricalAccuracy()


@tf.function
def train_step(images, targets):
    with tf.GradientTape() as tape:
        probabilities = network(images, training=True)
        loss = categorical_loss(targets, probabilities)
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables))
    accuracy.update_state(targets, probabilities)
    return loss


for epoch in range(2):
    accuracy.reset_state()
    for images, targets in batches:
        loss = train_step(images, targets)
    print(f"epoch {epoch}: loss {float(loss):.4f}, accuracy {float(accuracy.result()):.3f}")
