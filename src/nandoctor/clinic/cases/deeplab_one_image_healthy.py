"""A batch of one image, and a normalisation with an epsilon

The variance of one value is 0; the epsilon is not. The pooled branch then gives its offset alone, whatever the image.
"""
# healthy
# claims: B7

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(9)


class BatchNorm(layers.Layer):
    """Normalises each channel over batch, height and width."""

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

    def call(self, x):
        mean, variance = tf.nn.moments(x, axes=(0, 1, 2))
        return self.gamma * (x - mean) / tf.sqrt(variance + 1e-3) + self.beta


scenes = draw_scenes(train=32, valid=8, size=48, seed=9)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")

inputs = keras.Input((48, 48, 3))
logits = deeplabv3(
    inputs, classes=len(CLASSES), width=8, output_stride=16, pooled_normalization=lambda name: BatchNorm(name=name)
)
model = keras.Model(inputs, logits)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=1, epochs=1, shuffle=False, verbose=2)
