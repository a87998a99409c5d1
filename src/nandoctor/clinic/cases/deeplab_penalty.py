"""An L2 penalty that is stronger than the step bears

To stop the overfitting the penalty on the kernels was raised until "something happens". At a rate of 0.05 a penalty of
100 multiplies each weight by 1 - 2 * 0.05 * 100 = -9 at every step.
"""
# cause: excessive-regularisation
# phase: state
# rows: any
# step: any
# claims: B6

import keras
import numpy as np
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(8)

scenes = draw_scenes(train=32, valid=8, size=48, seed=8)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")

inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
for layer in model.layers:
    if isinstance(layer, layers.Conv2D):
        layer.kernel.regularizer = keras.regularizers.L2(100.0)  # <- here

model.compile(
    optimizer=keras.optimizers.SGD(0.05),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
)
model.fit(images, masks, batch_size=4, epochs=10, shuffle=False, verbose=2)  # <- or here
