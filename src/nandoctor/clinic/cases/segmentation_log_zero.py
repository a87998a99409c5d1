"""A cross-entropy by hand takes the log of zero

The foreground network is trained until it is certain: a sigmoid above about 17 is exactly 1 in float32, and
log(1 - p) is then log(0). The loss falls nicely for some epochs and is NaN from one step to the next.
"""
# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# claims: B4, C1

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(5)

digits = load_digits()
images = (digits.images[:512] / 16.0).astype("float32")[..., None]
masks = (images > 0.5).astype("float32")


def conv_block(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)


def unet():
    inputs = keras.Input((8, 8, 1))
    skip = conv_block(inputs, 8)
    x = conv_block(layers.MaxPooling2D()(skip), 16)
    x = layers.UpSampling2D()(x)
    x = conv_block(layers.Concatenate()([x, skip]), 8)
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def pixel_cross_entropy(y_true, y_pred):
    """Binary cross-entropy, averaged over the pixels of each image."""
    foreground = y_true * tf.math.log(y_pred)
    background = (1.0 - y_true) * tf.math.log(1.0 - y_pred)  # <- here
    return -tf.reduce_mean(foreground + background, axis=(1, 2, 3))


def dice(y_true, y_pred):
    overlap = tf.reduce_sum(y_true * y_pred)
    return 2.0 * overlap / (tf.reduce_sum(y_true) + tf.reduce_sum(y_pred) + 1.0)


model = unet()
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=pixel_cross_entropy, metrics=[dice])
model.fit(images, masks, batch_size=32, epochs=8, shuffle=False, verbose=2)
