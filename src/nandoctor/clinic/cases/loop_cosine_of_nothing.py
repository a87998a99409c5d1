"""The cosine with a customer who bought nothing

Customers are compared by the cosine of what they bought, and the network learns to keep these similarities. One
customer bought nothing in this period: the length of that vector is 0, and the cosine is 0 / 0.
"""
# cause: division-by-zero
# phase: forward
# rows: 22
# step: 6
# claims: C1, C9

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(50)

BATCH = 40


def load_baskets(customers=480, products=30):
    """How often each customer bought each product; there are three tastes."""
    rng = np.random.default_rng(50)
    taste = rng.dirichlet(np.full(products, 0.3), 3)[rng.integers(0, 3, customers)]
    bought = rng.poisson(20 * taste)
    bought[222] = 0  # abroad all year
    return bought.astype("float32")


def cosine(u, v):
    """Cosine of all pairs of rows."""
    length = tf.norm(u, axis=1)[:, None] * tf.norm(v, axis=1)[None, :]  # <- or here
    return tf.matmul(u, v, transpose_b=True) / length  # <- here


class SimilarityModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = keras.Sequential([layers.Dense(24, activation="tanh"), layers.Dense(8)])

    def call(self, baskets):
        return self.embed(baskets)

    def train_step(self, data):
        baskets, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            embedded = self(baskets, training=True)
            wanted = cosine(baskets, baskets)
            loss = tf.reduce_mean(tf.square(tf.matmul(embedded, embedded, transpose_b=True) - wanted))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}


baskets = load_baskets()
model = SimilarityModel()
model.compile(optimizer=keras.optimizers.Adam(2e-3))
for epoch in range(3):
    for first in range(0, len(baskets), BATCH):
        logs = model.train_on_batch(baskets[first : first + BATCH], return_dict=True)
    print(f"epoch {epoch}: loss {float(logs['loss']):.4f}")
