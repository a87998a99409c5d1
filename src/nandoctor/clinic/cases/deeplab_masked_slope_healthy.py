"""A slope of length 0 is made harmless before it is divided by

The where is inside of the root as well, so the branch not taken has a slope that is finite.
"""
# healthy
# claims: B8

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(11)


class SlopeDirection(layers.Layer):
    """The direction in which each map rises, as more channels; 0 where the map is flat."""

    def call(self, x):
        across = x[:, :-1, 1:] - x[:, :-1, :-1]
        down = x[:, 1:, :-1] - x[:, :-1, :-1]
        squared = across**2 + down**2
        sloped = squared > 0
        direction = tf.where(sloped, across * tf.math.rsqrt(tf.where(sloped, squared, 1.0)), tf.zeros_like(squared))
        return tf.concat([x, tf.pad(direction, [[0, 0], [0, 1], [0, 1], [0, 0]])], axis=-1)


scenes = draw_scenes(train=32, valid=8, size=48, seed=11)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")

inputs = keras.Input((48, 48, 3))
coarse = deeplabv3(inputs, classes=8, width=8, output_stride=16)
logits = layers.Conv2D(len(CLASSES), 3, padding="same")(SlopeDirection()(coarse))
model = keras.Model(inputs, logits)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
