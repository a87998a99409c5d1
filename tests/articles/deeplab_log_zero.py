# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# note: the softmax is sharpened by a small temperature and reaches exactly 0, and the cross-entropy by hand takes its log; 0 * log(0) is NaN

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_sample_image
from tensorflow.keras import Input, Model, layers, optimizers, utils

utils.set_random_seed(3)

CLASSES = ("sky", "wall", "shadow")
TEMPERATURE = 0.05  # crisp borders


def load_tiles(size=24):
    """Tiles of a photo of the summer palace; the classes are brightness bands."""
    photo = load_sample_image("china.jpg").astype("float32")
    grey = photo.mean(axis=-1)
    labels = np.digitize(grey, [90, 190])[..., None]
    rows, columns = photo.shape[0] // size, photo.shape[1] // size

    def cut(array):
        array = array[: rows * size, : columns * size]
        return array.reshape(rows, size, columns, size, -1).swapaxes(1, 2).reshape(-1, size, size, array.shape[-1])

    return cut(photo) / 127.5 - 1.0, np.eye(3, dtype="float32")[cut(labels)[..., 0]]


def aspp(x, filters=8):
    branches = [layers.Conv2D(filters, 3, dilation_rate=r, padding="same", activation="relu")(x) for r in (1, 2, 3)]
    image_level = layers.GlobalAveragePooling2D(keepdims=True)(x)
    image_level = layers.UpSampling2D(x.shape[1:3])(layers.Conv2D(filters, 1, activation="relu")(image_level))
    return layers.Concatenate()([*branches, image_level])


def build_model(shape):
    inputs = Input(shape)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(aspp(x))
    logits = layers.Conv2D(len(CLASSES), 1)(layers.Concatenate()([x, inputs]))
    return Model(inputs, layers.Lambda(lambda z: tf.nn.softmax(z / TEMPERATURE))(logits))


def cross_entropy(y_true, y_pred):
    per_class = y_true * tf.math.log(y_pred)  # <- here
    return -tf.reduce_mean(tf.reduce_sum(per_class, axis=-1))


x, y = load_tiles()
model = build_model(x.shape[1:])
model.compile(optimizer=optimizers.Adam(1e-3), loss=cross_entropy, metrics=["accuracy"])
model.fit(x, y, batch_size=16, epochs=6, validation_split=0.1, shuffle=False, verbose=2)
