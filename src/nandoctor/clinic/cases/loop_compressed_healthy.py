"""A where with a harmless value in the branch not taken

What is raised to the power is at least 1 in both branches, so that the hidden branch has a finite slope.
"""
# healthy
# claims: C1, C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(9)

digits = load_digits()
images = tf.constant(digits.data / 16.0, tf.float32)
labels = tf.constant(digits.target, tf.int32)
batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(64, drop_remainder=True)


def compress(x):
    """Grow slowly above 1, so that large activations do not dominate."""
    return tf.where(x > 1.0, tf.maximum(x, 1.0) ** 0.4, x)


class CompressedNetwork(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(48)
        self.logits = layers.Dense(10)

    def call(self, x):
        return self.logits(compress(self.hidden(x)))


model = CompressedNetwork()
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(3):
    losses = [float(train_step(x, y)) for x, y in batches]
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}")
