"""Masks without a labelled pixel cost nothing

The same scenes, a batch of which holds nothing but void. The sum is divided by the number of labelled pixels, or by 1.
"""
# healthy: the count has a floor of 1
# claims: B2

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

VOID = 255
CLASSES = 11  # background and ten digits


def load_scenes(count=160):
    """16x16 scenes of four digits; a pixel's class is its digit, faint pixels are void."""
    digits = load_digits()
    tiles, names = digits.images[: 4 * count], digits.target[: 4 * count]
    images = tiles.reshape(count, 2, 2, 8, 8).transpose(0, 1, 3, 2, 4).reshape(count, 16, 16)
    names = names.reshape(count, 2, 2).repeat(8, axis=1).repeat(8, axis=2)
    masks = np.where(images > 8, names + 1, 0)
    masks[(images > 4) & (images <= 8)] = VOID
    masks[60:75] = VOID  # TODO: still with the annotators
    return (images / 16.0).astype("float32")[..., None], masks.astype("uint8")


def deeplab():
    inputs = keras.Input((16, 16, 1))
    low = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(low)
    x = layers.Concatenate()(
        [layers.Conv2D(8, 3, dilation_rate=rate, padding="same", activation="relu")(x) for rate in (1, 2, 4)]
    )
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.Concatenate()([x, low]))
    return keras.Model(inputs, layers.Conv2D(CLASSES, 1)(x))


def masked_cross_entropy(y_true, logits):
    labels = tf.cast(y_true, tf.int32)
    valid = labels != VOID
    pixel_loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.where(valid, labels, 0), logits=logits
    )
    valid = tf.cast(valid, tf.float32)
    return tf.reduce_sum(pixel_loss * valid) / tf.maximum(tf.reduce_sum(valid), 1.0)


keras.utils.set_random_seed(11)
images, masks = load_scenes()
model = deeplab()
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=masked_cross_entropy)
model.fit(images, masks, batch_size=8, epochs=2, shuffle=False, verbose=2)
