"""The root is kept away from 0, the clip is for growth

The same anchor, the same clip. What is under the root is at least 1e-12, every gradient is finite, and the clip only
has to bound them.
"""
# healthy
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
            square = tf.reduce_sum(tf.square(self.amount(x) - progression), axis=-1)
            distance = tf.sqrt(tf.maximum(square, 1e-12))
            severity = keras.losses.binary_crossentropy(high, self.severe(x), from_logits=True)
            loss = tf.reduce_mean(distance) + tf.reduce_mean(severity)
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss, "gradient_norm": norm}


model = TwoHeads()
model.compile(optimizer=keras.optimizers.Adam(1e-2))
model.fit(x, (progression, high), batch_size=32, epochs=3, shuffle=False, verbose=2)
