"""White is 65,535, and float16 ends at 65,504

The network runs in mixed precision, and the images of sixteen bits are scaled by its first layer. By then they are
float16 already: white is infinite before anything could be divided.
"""
# cause: half-overflow
# phase: forward
# rows: any
# step: any
# claims: C3, R10

import keras
import numpy as np
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(15)
keras.mixed_precision.set_global_policy("mixed_float16")

scenes = draw_scenes(train=32, valid=8, size=48, seed=15)
images = np.stack(scenes.train.images).astype("uint16") * 257
masks = np.stack(scenes.train.masks).astype("int32")
images = images.astype("float32")

inputs = keras.Input((48, 48, 3))
scaled = layers.Rescaling(1.0 / 32767.5, offset=-1.0)(inputs)  # <- here
model = keras.Model(inputs, deeplabv3(scaled, classes=len(CLASSES), width=8, output_stride=16))
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
