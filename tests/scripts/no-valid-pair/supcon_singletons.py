# cause: no-valid-pair
# phase: forward
# rows: 2, 13
# step: 3
# note: two species occur only once in the third batch, their rows have no positive partner and the mean over positives is 0/0 there

import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(6)


def supcon(z, labels, temperature=0.2):
    """Supervised contrastive loss, one value per anchor."""
    z = tf.math.l2_normalize(z, axis=1, epsilon=1e-6)
    logits = tf.matmul(z, z, transpose_b=True) / temperature
    eye = tf.eye(tf.shape(z)[0])
    logits -= tf.stop_gradient(tf.reduce_max(logits, axis=1, keepdims=True))

    others = tf.exp(logits) * (1.0 - eye)
    log_prob = logits - tf.math.log(tf.reduce_sum(others, axis=1, keepdims=True))

    positives = tf.cast(labels[:, None] == labels[None, :], tf.float32) - eye
    per_anchor = (
        tf.reduce_sum(positives * log_prob, axis=1)
        / tf.reduce_sum(positives, axis=1)  # <- here
    )
    return -per_anchor


class SupConModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential(
            [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(16, activation="relu")]
        )
        self.projector = keras.layers.Dense(8)

    def call(self, x):
        return self.projector(self.encoder(x))

    def train_step(self, data):
        x, species = data
        with tf.GradientTape() as tape:
            z = self(x, training=True)
            loss = tf.reduce_mean(supcon(z, species))
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        return {"loss": loss}


rng = np.random.default_rng(12)
species = np.tile(np.arange(4), 16)
species[34], species[45] = 17, 23  # rare ones
leaves = (rng.normal(size=(30, 10))[species] + 0.3 * rng.normal(size=(64, 10))).astype("float32")

model = SupConModel()
model.compile(optimizer=keras.optimizers.AdamW(1e-3))
model.fit(leaves, species, batch_size=16, epochs=2, shuffle=False, verbose=0)  # <- or here
