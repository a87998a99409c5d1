# cause: no-valid-label
# phase: validation
# rows: any
# step: any
# note: the second validation batch is void throughout, so the masked mean divides 0 by 0

import numpy as np
import tensorflow as tf
import keras
from keras import layers

VOID = 255

keras.utils.set_random_seed(19)
rng = np.random.default_rng(19)


def tiles(n):
    labels = rng.integers(0, 3, (n, 8, 8))
    images = np.eye(3)[labels] + rng.normal(0, 0.3, (n, 8, 8, 3))
    labels[rng.random(labels.shape) < 0.1] = VOID
    return images.astype("float32"), labels.astype("uint8")


def loss_without_void(y_true, y_pred):
    y_true = tf.cast(y_true, tf.int32)
    known = y_true != VOID
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(known, y_true, 0), y_pred)
    known = tf.cast(known, loss.dtype)
    return tf.reduce_sum(loss * known) / tf.reduce_sum(known)  # <- here


train, held_out = tiles(64), tiles(32)
held_out[1][8:16] = VOID  # the coast: not annotated

model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.Conv2D(3, 1)])
model.compile(optimizer="adam", loss=loss_without_void)
model.fit(*train, batch_size=8, epochs=2, validation_data=held_out, validation_batch_size=8, verbose=2)
