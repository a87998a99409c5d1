# healthy

"""Siamese network on signature features; a whole epoch is one compiled function."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)
left = rng.normal(size=(160, 10)).astype("float32")
right = (left + rng.normal(scale=0.5, size=left.shape)).astype("float32")
genuine = rng.integers(0, 2, 160).astype("float32")
right[87] = left[87]

encoder = keras.Sequential([keras.Input((10,)), layers.Dense(16, activation="tanh"), layers.Dense(4)])
optimizer = keras.optimizers.SGD(0.05)
pairs = tf.data.Dataset.from_tensor_slices((left, right, genuine)).batch(16)


def distance(a, b):
    return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(a - b), axis=-1), 1e-9))


def contrastive(d, same, margin=1.0):
    return tf.reduce_mean(same * tf.square(d) + (1 - same) * tf.square(tf.maximum(margin - d, 0.0)))


@tf.function
def train_epoch(dataset):
    total, batches = 0.0, 0.0
    for a, b, same in dataset:
        with tf.GradientTape() as tape:
            loss = contrastive(distance(encoder(a), encoder(b)), same)
        grads = tape.gradient(loss, encoder.trainable_variables)
        optimizer.apply_gradients(zip(grads, encoder.trainable_variables))
        total += loss
        batches += 1.0
    return total / batches


for epoch in range(3):
    print("epoch", epoch, "loss", float(train_epoch(pairs)))
