"""A black frame is divided by its standard deviation

Each image is standardised by hand before the training. One of them was taken with the cap on the lens: all its pixels
are 0, so its standard deviation is 0 too, and the whole frame is 0 / 0.
"""
# cause: constant-feature
# phase: data
# rows: 2
# step: 3
# claims: B1, R3

import keras
import numpy as np

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(1)

scenes = draw_scenes(train=32, valid=8, size=48, seed=1)
images = np.stack(scenes.train.images).astype("float32")
masks = np.stack(scenes.train.masks)
images[10] = 0.0  # 2026-03-14: cap on the lens

mean = images.mean(axis=(1, 2, 3), keepdims=True)
spread = images.std(axis=(1, 2, 3), keepdims=True)
images = (images - mean) / spread  # <- here

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
model.compile(
    optimizer=keras.optimizers.SGD(0.02, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks.astype("int32"), batch_size=4, epochs=2, shuffle=False, verbose=2)
