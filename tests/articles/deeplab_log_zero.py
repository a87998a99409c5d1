# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# note: the hard sigmoid of the head reaches exactly 0 and 1, and the cross-entropy by hand takes 0 * log(0)

"""DeepLabv3 with a MobileNetV3-like backbone, one mask for each class."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow.keras import Input, Model, initializers, layers, optimizers, utils

utils.set_random_seed(3)

CLASSES = ("paper", "stroke", "core of the stroke")


def load_tiles(count=200):
    """Tiles of 2 x 2 handwritten digits; the classes are ink density."""
    ink = load_digits().images[: 4 * count].reshape(count, 2, 2, 8, 8)
    ink = ink.transpose(0, 1, 3, 2, 4).reshape(count, 16, 16)
    labels = np.digitize(ink, [4, 12])
    return (ink[..., None] / 8.0 - 1.0).astype("float32"), utils.to_categorical(labels, len(CLASSES))


def inverted_residual(x, filters, strides=1):
    y = layers.Conv2D(2 * filters, 1, use_bias=False)(x)
    y = layers.Activation("hard_swish")(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(y)
    y = layers.Activation("hard_swish")(layers.BatchNormalization()(y))
    y = layers.Conv2D(filters, 1)(y)
    return layers.Add()([x, y]) if strides == 1 and x.shape[-1] == filters else y


def lite_aspp(x, filters=12):
    scale = layers.GlobalAveragePooling2D(keepdims=True)(x)
    scale = layers.Conv2D(filters, 1, activation="hard_sigmoid")(scale)
    return layers.Multiply()([layers.Conv2D(filters, 1, activation="relu")(x), scale])


def build_model(shape):
    inputs = Input(shape)
    low = inverted_residual(layers.Conv2D(8, 3, padding="same", activation="hard_swish")(inputs), 8)
    high = lite_aspp(inverted_residual(low, 12, strides=2))
    high = layers.UpSampling2D(2, interpolation="bilinear")(high)
    start = initializers.TruncatedNormal(stddev=0.01)
    head = layers.Conv2D(len(CLASSES), 1, activation="hard_sigmoid", kernel_initializer=start)
    return Model(inputs, head(layers.Concatenate()([high, low])))


def cross_entropy(y_true, y_pred):
    inside = y_true * tf.math.log(y_pred)  # <- here
    outside = (1.0 - y_true) * tf.math.log(1.0 - y_pred)  # <- or here
    return -tf.reduce_mean(inside + outside)


x, y = load_tiles()
model = build_model(x.shape[1:])
model.compile(optimizer=optimizers.Adam(5e-3), loss=cross_entropy, metrics=["accuracy"])
model.fit(x, y, batch_size=20, epochs=3, validation_split=0.1, shuffle=False, verbose=2)
