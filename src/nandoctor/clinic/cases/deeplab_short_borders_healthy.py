"""The length of a slope, kept away from 0

A small number under the root bounds its slope.
"""
# healthy
# claims: B8

import keras
import numpy as np
import tensorflow as tf

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(10)

scenes = draw_scenes(train=32, valid=8, size=48, seed=10)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")

cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID)


def total_variation(shares):
    across = shares[:, :-1, 1:] - shares[:, :-1, :-1]
    down = shares[:, 1:, :-1] - shares[:, :-1, :-1]
    return tf.reduce_mean(tf.sqrt(across**2 + down**2 + 1e-8))


def smooth_cross_entropy(labels, logits):
    return cross_entropy(labels, logits) + 0.1 * total_variation(tf.nn.softmax(logits))


inputs = keras.Input((48, 48, 3))
model = keras.Model(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss=smooth_cross_entropy)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
