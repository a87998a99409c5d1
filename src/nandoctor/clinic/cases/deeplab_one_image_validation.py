"""Training is finite, validation is NaN: moving statistics of batches of one image

The pooled branch has one value for each channel and image. Over a batch of one image its variance is exactly 0, and the
moving variance sinks to 0 with it. Training divides by the batch's own, where the numerator is 0 too; validation divides
what is not 0 by nearly nothing, beyond what float16 can hold.
"""
# cause: batchnorm-tiny-batch
# phase: validation
# rows: any
# step: any
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


def quick_norm(name):
    """Follows the data within a few steps, and leaves the channels as sharp as they are."""
    return layers.BatchNormalization(momentum=0.5, epsilon=1e-12, name=name)  # <- here


inputs = keras.Input((48, 48, 3))
logits = deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16, pooled_normalization=quick_norm)
model = keras.Model(inputs, logits)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(x_train, y_train, validation_data=(x_valid, y_valid), batch_size=1, epochs=2, verbose=2)
