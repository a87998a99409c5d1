# cause: nonfinite-target
# phase: data
# rows: 1, 28
# step: 3
# note: two annotations have x_min and x_max swapped, so the width is negative and the encoded target is the log of a negative.

import numpy as np
import tensorflow as tf
import keras
from keras import layers, ops

ANCHOR = tf.constant([24.0, 24.0])


def synthetic_scenes(n=192, size=32, seed=17):
    """A bright rectangle on a dark background, box = (x_min, y_min, x_max, y_max)."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 16, (n, 2))
    extent = rng.integers(5, 16, (n, 2))
    boxes = np.concatenate([corner, corner + extent], axis=1).astype("float32")
    images = rng.uniform(0, 0.2, (n, size, size, 1)).astype("float32")
    for image, (x0, y0, x1, y1) in zip(images, boxes.astype(int)):
        image[y0:y1, x0:x1] += 0.8
    for i in (65, 92):  # drawn from right to left
        boxes[i] = boxes[i][[2, 1, 0, 3]]
    return images, boxes


def encode(image, box):
    top_left, bottom_right = box[:2], box[2:]
    wh = bottom_right - top_left
    centre = (top_left + bottom_right) / 2.0
    offsets = (centre - 16.0) / ANCHOR
    scales = tf.math.log(wh / ANCHOR)  # <- here
    return image, tf.concat([offsets, scales], axis=-1)


class SmoothL1(keras.losses.Loss):
    def call(self, y_true, y_pred):
        diff = ops.abs(y_true - y_pred)
        per_coord = ops.where(diff < 1.0, 0.5 * ops.square(diff), diff - 0.5)
        return ops.sum(per_coord, axis=-1)


class BoxRegressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(8, 5, strides=4, activation="relu")
        self.flatten = layers.Flatten()
        self.head = layers.Dense(4)

    def call(self, images):
        return self.head(self.flatten(self.conv(images)))


keras.utils.set_random_seed(17)
train = tf.data.Dataset.from_tensor_slices(synthetic_scenes())
train = train.map(encode).batch(32)  # <- or here
model = BoxRegressor()
model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss=SmoothL1(), jit_compile=True)
model.fit(train, epochs=3, verbose=2)
