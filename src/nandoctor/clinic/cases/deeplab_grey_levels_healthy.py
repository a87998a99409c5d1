"""Grey levels become class ids before the training

0, 128 and 255 are looked up among the levels that there are: 0, 1 and 2.
"""
# healthy
# claims: B2

import keras
import numpy as np

from nandoctor.clinic.data.scenes import draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(3)

LEVELS = np.array([0, 128, 255, 0, 0, 0, 0])  # background, disc, square; all else is background

scenes = draw_scenes(train=32, valid=8, size=48, seed=3)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.searchsorted([0, 128, 255], LEVELS[np.stack(scenes.train.masks)]).astype("int32")

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=3, width=8, output_stride=16))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
