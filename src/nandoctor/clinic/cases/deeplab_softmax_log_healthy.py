"""A softmax, clipped before its log

The probabilities are clipped to 1e-7 and 1 - 1e-7: the log is finite. The gradient is 0 where the clip is at work, so a
pixel that is quite wrong learns nothing; from logits it would.
"""
# healthy
# claims: B4, R4

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(5)

TEMPERATURE = 0.03

scenes = draw_scenes(train=32, valid=8, size=48, seed=5)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")


def cross_entropy(labels, probabilities):
    labels = tf.cast(labels, tf.int32)
    labelled = tf.not_equal(labels, VOID)
    one_hot = tf.one_hot(labels, len(CLASSES))  # void has no class, its row is all 0
    pixels = -tf.reduce_sum(one_hot * tf.math.log(tf.clip_by_value(probabilities, 1e-7, 1.0 - 1e-7)), axis=-1)
    return tf.reduce_mean(tf.boolean_mask(pixels, labelled))


inputs = keras.Input((48, 48, 3))
logits = deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16)
probabilities = layers.Softmax()(layers.Rescaling(1.0 / TEMPERATURE)(logits))
model = keras.Model(inputs, probabilities)
model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss=cross_entropy)
model.fit(images, masks, batch_size=8, epochs=6, shuffle=False, verbose=2)
