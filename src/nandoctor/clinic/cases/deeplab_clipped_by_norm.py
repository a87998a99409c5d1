"""Clipping by the global norm makes every gradient NaN

The head is scored by the root of its Brier score. The score of an image without a labelled pixel is 0, where the root
has an infinite slope, so the gradient of this one batch is NaN. It is clipped by the global norm, "against NaN": the
norm is NaN, and so is every gradient after it.
"""
# cause: gradient-singularity
# phase: backward
# rows: 3
# step: 4
# claims: R5

import keras
import numpy as np
import tensorflow as tf

from nandoctor.clinic.data.scenes import CLASSES, VOID, draw_scenes
from nandoctor.clinic.models.deeplabv3 import deeplabv3

keras.utils.set_random_seed(14)

scenes = draw_scenes(train=32, valid=8, size=48, seed=14)
images = np.stack(scenes.train.images).astype("float32") / 127.5 - 1.0
masks = np.stack(scenes.train.masks).astype("int32")
masks[15] = VOID  # still in the annotators' queue


def root_brier(labels, logits):
    labels = tf.cast(labels, tf.int32)
    labelled = tf.cast(tf.not_equal(labels, VOID), tf.float32)
    errors = tf.nn.softmax(logits) - tf.one_hot(labels, len(CLASSES))
    score = tf.reduce_sum(tf.reduce_sum(errors**2, axis=-1) * labelled, axis=(1, 2))
    return tf.sqrt(score / tf.maximum(tf.reduce_sum(labelled, axis=(1, 2)), 1.0))  # <- here


class Clipped(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


inputs = keras.Input((48, 48, 3))
model = Clipped(inputs, deeplabv3(inputs, classes=len(CLASSES), width=8, output_stride=16))
model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss=root_brier)
model.fit(images, masks, batch_size=4, epochs=2, shuffle=False, verbose=2)
