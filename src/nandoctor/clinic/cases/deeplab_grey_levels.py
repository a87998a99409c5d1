"""Masks saved as 0, 128 and 255

Background, disc and square were painted black, grey and white, and the masks were read as they are. The loss takes
the grey level for the class. TensorFlow on a CPU refuses it; on a GPU the loss is NaN.
"""
# cause: label-out-of-range
# phase: data
# rows: any
# step: 1
# raises: yes
# claims: B2

import keras
import numpy as np

from nandoctor.clinic.data.scenes import draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(3)

LEVELS = np.array([0, 128, 255, 0, 0, 0, 0])  # background, disc, square; all else is background

scenes = draw_scenes(train=32, valid=8, size=48, seed=3)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = LEVELS[np.stack(scenes.train.masks)].astype("int32")  # <- or here

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=3, width=8, output_stride=16))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),  # <- or here
)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)  # <- here
