"""A summed loss is too large for every loss scale

The loss adds up the squared errors of 32 images in grey levels of a 16-bit camera. Its gradient is beyond float16 at
every usual scale, so the loss scaler skips each step and halves the scale: the loss is finite, and nothing is learned.
"""
# cause: loss-scale-stuck
# phase: backward
# rows: any
# step: any
# claims: C3, R10

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(28)
keras.mixed_precision.set_global_policy("mixed_float16")

GREY_LEVELS = 65535.0


def load_images(count=192, size=64):
    """Noisy pictures of one bright disc, and the clean pictures."""
    rng = np.random.default_rng(28)
    centre = rng.uniform(15, 49, (count, 2, 1, 1))
    rows, columns = np.mgrid[:size, :size]
    clean = (np.hypot(rows - centre[:, 0], columns - centre[:, 1]) < 10).astype("float32")
    noisy = clean + rng.normal(0, 0.3, clean.shape)
    return noisy.astype("float32")[..., None], clean[..., None]


def total_error(y_true, y_pred):
    error = GREY_LEVELS * (tf.cast(y_pred, tf.float32) - y_true)
    return tf.reduce_sum(tf.square(error))


noisy, clean = load_images()
model = keras.Sequential([
    keras.Input((64, 64, 1)),
    layers.Conv2D(4, 5, padding="same", activation="relu"),
    layers.Conv2D(1, 5, padding="same"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=total_error)  # <- here
model.fit(noisy, clean, batch_size=32, epochs=5, verbose=2)
