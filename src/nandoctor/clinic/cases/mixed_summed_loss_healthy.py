"""A mean instead of a sum, and the loss scale settles

The error is a mean over the pixels, with grey levels from 0 to 1. The loss scaler finds its scale and skips nothing.
"""
# healthy
# claims: C3, R10

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(28)
keras.mixed_precision.set_global_policy("mixed_float16")


def load_images(count=192, size=64):
    """Noisy pictures of one bright disc, and the clean pictures."""
    rng = np.random.default_rng(28)
    centre = rng.uniform(15, 49, (count, 2, 1, 1))
    rows, columns = np.mgrid[:size, :size]
    clean = (np.hypot(rows - centre[:, 0], columns - centre[:, 1]) < 10).astype("float32")
    noisy = clean + rng.normal(0, 0.3, clean.shape)
    return noisy.astype("float32")[..., None], clean[..., None]


def mean_error(y_true, y_pred):
    error = tf.cast(y_pred, tf.float32) - y_true
    return tf.reduce_mean(tf.square(error))


noisy, clean = load_images()
model = keras.Sequential([
    keras.Input((64, 64, 1)),
    layers.Conv2D(4, 5, padding="same", activation="relu"),
    layers.Conv2D(1, 5, padding="same"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=mean_error)
model.fit(noisy, clean, batch_size=32, epochs=5, verbose=2)
