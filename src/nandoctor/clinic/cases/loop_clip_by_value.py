"""Each gradient is clipped by value, and the NaN stays

clip_by_value(g, -1, 1) bounds what is large. A NaN is neither above 1 nor below -1 and passes through it. Here it comes
from the distance between a blank scan and its brighter copy, which are the same: the norm of 0 has no slope.
"""
# cause: gradient-singularity
# phase: backward
# rows: 9
# step: 14
# claims: R9, C8

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(35)

BATCH = 48
CONSISTENCY = 0.2

digits = load_digits()
scans = (digits.data / 16.0).astype("float32")
labels = digits.target.astype("int32")
scans[13 * BATCH + 9] = 0.0  # an empty page

network = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(48, activation="tanh"),
    layers.Dense(10),
])
optimizer = keras.optimizers.Adam(2e-3)


def brighter(images, generator=tf.random.Generator.from_seed(35)):
    """The same scans under another lamp."""
    return images * generator.uniform((tf.shape(images)[0], 1), 0.7, 1.3)


@tf.function
def train_step(images, targets):
    with tf.GradientTape() as tape:
        logits = network(images, training=True)
        drift = tf.norm(network(brighter(images), training=True) - logits, axis=-1)  # <- here
        error = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        loss = tf.reduce_mean(error + CONSISTENCY * drift)
    gradients = tape.gradient(loss, network.trainable_variables)
    gradients = [tf.clip_by_value(g, -1.0, 1.0) for g in gradients]
    optimizer.apply_gradients(zip(gradients, network.trainable_variables))
    return loss


for epoch in range(3):
    losses = []
    for first in range(0, len(scans), BATCH):
        batch = slice(first, first + BATCH)
        losses.append(float(train_step(tf.constant(scans[batch]), tf.constant(labels[batch]))))
    print(f"epoch {epoch}: loss {np.mean(losses):.4f}")
