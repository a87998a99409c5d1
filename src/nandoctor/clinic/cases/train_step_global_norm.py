"""Clipping by the global norm loses the healthy head, too

A custom train step clips all gradients by their global norm "so that they cannot become NaN". One head takes the root
of an error that is exactly 0 for one row, and its gradient is NaN; so is the norm, and every gradient after the clip.
"""
# cause: gradient-singularity
# phase: backward
# rows: 15
# step: 6
# claims: R5, C8, C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(34)

x, progression = load_diabetes(return_X_y=True)
x = (x / 0.0476).astype("float32")
progression = ((progression - progression.mean()) / progression.std()).astype("float32")[:, None]
high = (progression > 0.5).astype("float32")
x[175], progression[175], high[175] = 0.0, 0.0, 0.0  # the average patient, as an anchor


class TwoHeads(keras.Model):
    """How far the illness goes, and whether it is a severe case; the heads share nothing."""

    def __init__(self):
        super().__init__()
        self.amount = layers.Dense(1, use_bias=False)
        self.severe = layers.Dense(1)

    def train_step(self, data):
        x, (progression, high) = data
        with tf.GradientTape() as tape:
            distance = tf.sqrt(tf.reduce_sum(tf.square(self.amount(x) - progression), axis=-1))  # <- here
            severity = keras.losses.binary_crossentropy(high, self.severe(x), from_logits=True)
            loss = tf.reduce_mean(distance) + tf.reduce_mean(severity)
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss, "gradient_norm": norm}


model = TwoHeads()
model.compile(optimizer=keras.optimizers.Adam(1e-2))
model.fit(x, (progression, high), batch_size=32, epochs=3, shuffle=False, verbose=2)
