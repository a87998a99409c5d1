# cause: constant-feature
# phase: data
# rows: 5
# step: 3
# note: tile 21 is empty background, every pixel is the same, so the per-image standardisation in the map divides 0 by 0

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(21)
BATCH = 8


def load_tiles(n=48, size=16):
    rng = np.random.default_rng(3)
    tiles = rng.integers(0, 255, size=(n, size, size, 3)).astype(np.uint8)
    has_tissue = (np.arange(n) % 3 == 0).astype(np.int32)
    tiles[has_tissue == 1] //= 2
    tiles[21] = 255  # scanner background
    return tiles, has_tissue


def standardize(image):
    mean = tf.reduce_mean(image)
    std = tf.math.reduce_std(image)
    return (image - mean) / std  # <- here


def prepare(image, label):
    image = tf.cast(image, tf.float32)
    image = standardize(image)
    return image, label


ds = (
    tf.data.Dataset.from_tensor_slices(load_tiles())
    .map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    .batch(BATCH)
    .prefetch(tf.data.AUTOTUNE)
)

inputs = keras.Input((16, 16, 3))
x = layers.Conv2D(8, 3, strides=2, activation="relu")(inputs)
x = layers.Conv2D(8, 3, activation="relu")(x)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(2)(x)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.SGD(1e-2, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(ds, epochs=2)  # <- or here
