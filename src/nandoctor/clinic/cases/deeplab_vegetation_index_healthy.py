"""A vegetation index with a floor under its sum

Where both bands are black the index is 0.
"""
# healthy
# claims: R6, C4

import keras
import numpy as np

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(13)

scenes = draw_scenes(train=32, valid=8, size=48, seed=13)
bands = np.stack(scenes.train.images).astype("float32")
masks = np.stack(scenes.train.masks).astype("int32")
bands[[4, 7, 22, 29], 5:9, 30:44] = 0.0  # deep shadow

nir, red = bands[..., 0], bands[..., 1]
index = (nir - red) / np.maximum(nir + red, 1.0)
images = np.concatenate([bands / 127.5 - 1.0, index[..., None]], axis=-1)

inputs = keras.Input((48, 48, 4))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
