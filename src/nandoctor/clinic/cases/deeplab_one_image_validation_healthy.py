"""Batches of eight images, and an epsilon that is one

The pooled branch has eight values for each channel, whose spread says something of the images to come.
"""
# healthy
# claims: B7

import keras
import numpy as np
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(16)
keras.mixed_precision.set_global_policy("mixed_float16")

scenes = draw_scenes(train=32, valid=8, size=48, seed=16)
x_train, x_valid = (np.stack(part.images) / 127.5 - 1.0 for part in (scenes.train, scenes.valid))
y_train, y_valid = (np.stack(part.masks).astype("int32") for part in (scenes.train, scenes.valid))


def slow_norm(name):
    """Follows the data within some ten steps."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=name)


inputs = keras.Input((48, 48, 3))
logits = deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16, pooled_normalization=slow_norm)
model = keras.Model(inputs, logits)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(x_train, y_train, validation_data=(x_valid, y_valid), batch_size=8, epochs=2, verbose=2)
