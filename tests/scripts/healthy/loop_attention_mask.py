# healthy

import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
tokens = rng.integers(1, 30, (96, 10))
lengths = rng.integers(2, 11, 96)
tokens[np.arange(10)[None] >= lengths[:, None]] = 0
labels = (tokens == 7).any(axis=1).astype("float32")

embed = layers.Embedding(30, 16)
query, key, value = layers.Dense(16), layers.Dense(16), layers.Dense(16)
head = layers.Dense(1)
optimizer = keras.optimizers.Adam(1e-2)


def forward(ids):
    h = embed(ids)
    scores = tf.matmul(query(h), key(h), transpose_b=True) / 4.0
    padding = tf.cast(ids == 0, tf.float32)[:, None, :]
    scores += tf.where(padding > 0, -np.inf, 0.0)
    mixed = tf.matmul(tf.nn.softmax(scores), value(h))
    return head(tf.reduce_mean(mixed, axis=1))[:, 0]


@tf.function
def step(ids, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, forward(ids)))
    weights = [w for layer in (embed, query, key, value, head) for w in layer.trainable_weights]
    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    return loss


for epoch in range(3):
    for i in range(0, 96, 16):
        loss = step(tokens[i:i + 16], labels[i:i + 16])
    print(epoch, float(loss))
