"""Pixels of sixteen bits, scaled for a pretrained network

The batch normalisation is frozen, and the pixels are brought to -1 to 1, the scale that the network was made for.
"""
# healthy
# claims: B3

import keras
import numpy as np
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(4)

scenes = draw_scenes(train=32, valid=8, size=48, seed=4)
images = np.stack(scenes.train.images).astype("uint16") * 257
masks = np.stack(scenes.train.masks).astype("int32")
images = images.astype("float32") / 32767.5 - 1.0

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
for layer in model.layers:
    if isinstance(layer, layers.BatchNormalization):
        layer.trainable = False

model.compile(
    optimizer=keras.optimizers.SGD(1e-3, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=8, epochs=6, shuffle=False, verbose=2)
