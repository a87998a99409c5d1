"""A norm that overflows turns finite gradients into NaN

The gradients are clipped by their global norm. One asteroid's mass was typed in kilograms, the others are in 10^18 kg:
it makes a gradient of 1e21, which float32 can hold, but not its square. With a norm of inf the clip gives only NaN.
"""
# cause: clip-of-nonfinite
# phase: update
# rows: 5
# step: 4
# claims: C8, R5

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(36)


def load_asteroids(count=240):
    """Diameter in 100 km, mass in 10^18 kg, albedo; and the magnitude that is to be estimated."""
    rng = np.random.default_rng(36)
    diameter = rng.lognormal(0.0, 0.4, count)
    mass = 1.2 * diameter**3 * rng.lognormal(0.0, 0.2, count)
    albedo = rng.uniform(0.05, 0.35, count)
    magnitude = 9.0 - 2.0 * np.log(diameter) - np.log(albedo) + rng.normal(0, 0.1, count)
    mass[95] = 9.4e20
    return np.stack([diameter, mass, albedo], axis=1).astype("float32"), magnitude.astype("float32")[:, None]


class ClippedTraining(keras.Model):
    """A model whose gradients are clipped by their global norm."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(self(x, training=True) - y))
        gradients = tape.gradient(loss, self.trainable_variables)
        clipped, norm = tf.clip_by_global_norm(gradients, 5.0)  # <- here
        self.optimizer.apply_gradients(zip(clipped, self.trainable_variables))
        return {"loss": loss, "norm": norm}


features, magnitude = load_asteroids()
inputs = keras.Input((3,))
h = layers.Dense(24, activation="relu")(inputs)
model = ClippedTraining(inputs, layers.Dense(1)(h))
model.compile(optimizer=keras.optimizers.Adam(5e-3))
model.fit(features, magnitude, batch_size=30, epochs=4, shuffle=False, verbose=2)
