# cause: constant-feature
# phase: data
# rows: 4
# step: 6
# note: a black frame has a standard deviation of 0, and the standardisation by hand divides 0 by 0

"""Semantic segmentation with a small DeepLab; images are standardised one by one."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(1)
np.random.seed(1)

BATCH_SIZE = 10


def standardize(image, mask):
    image = tf.cast(image, tf.float32)
    mean = tf.reduce_mean(image)
    std = tf.math.reduce_std(image)
    return (image - mean) / std, mask  # <- here


def load_frames():
    digits = load_digits()
    frames = np.kron(digits.images[:150], np.ones((2, 2)))[..., None]
    frames = (frames * 15 + np.random.randint(0, 10, frames.shape)).astype("uint8")
    masks = (np.kron(digits.images[:150], np.ones((2, 2))) > 7).astype("int32")
    frames[54], masks[54] = 0, 0  # shutter closed
    return frames, masks


frames, masks = load_frames()
dataset = tf.data.Dataset.from_tensor_slices((frames, masks)).map(standardize)
train_ds = dataset.take(120).batch(BATCH_SIZE).prefetch(2)  # <- or here
valid_ds = dataset.skip(120).batch(BATCH_SIZE)

inputs = keras.Input((16, 16, 1))
x = layers.SeparableConv2D(12, 3, strides=2, padding="same")(inputs)
x = layers.ReLU()(layers.BatchNormalization()(x))
x = layers.concatenate([layers.SeparableConv2D(8, 3, dilation_rate=d, padding="same")(x) for d in (1, 2, 4)])
x = layers.ReLU()(layers.BatchNormalization()(x))
x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
outputs = layers.Conv2D(2, 1, activation="softmax")(x)

model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_ds, validation_data=valid_ds, epochs=2, verbose=2)
