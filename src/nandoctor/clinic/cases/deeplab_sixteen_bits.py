"""A pretrained network is fed with pixels of sixteen bits

The batch normalisation is frozen, as usual when a network is tuned with small batches, so nothing brings the pixels of
the new camera, 0 to 65,535, back to unit scale. The steps that were right for scaled images overshoot.
"""
# cause: unscaled-input
# phase: forward
# rows: any
# step: any
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
images = images.astype("float32")  # <- or here

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
for layer in model.layers:
    if isinstance(layer, layers.BatchNormalization):
        layer.trainable = False

model.compile(
    optimizer=keras.optimizers.SGD(1e-3, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=8, epochs=6, shuffle=False, verbose=2)  # <- here
