# cause: half-overflow
# phase: forward
# rows: any
# step: any
# note: in float16 the sum of 784 squares of pixels up to 40 is beyond 65504, and the norm is infinite.

"""Normalise each image by its energy, in mixed precision."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(2)
keras.mixed_precision.set_global_policy("mixed_float16")


class EnergyNorm(layers.Layer):
    def call(self, images):
        energy = tf.reduce_sum(tf.square(images), axis=(1, 2, 3), keepdims=True)  # <- here
        return images / tf.sqrt(energy + 1.0) - tf.sqrt(energy) / (energy + 1.0)


rng = np.random.default_rng(4)
labels = rng.integers(0, 2, 256)
images = rng.uniform(0.0, 8.0, (256, 28, 28, 1)) + 12.0 * labels[:, None, None, None]
images[40] *= 4.0
images = images.astype("float32")

model = keras.Sequential([
    keras.Input((28, 28, 1)),
    EnergyNorm(),
    layers.Flatten(),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, dtype="float32"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(images, labels.astype("float32")[:, None], batch_size=32, epochs=2, shuffle=False, verbose=2)
