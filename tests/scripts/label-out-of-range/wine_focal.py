# cause: label-out-of-range
# phase: data
# rows: 2, 3, 10, 11
# step: 1
# note: the class ids of the cellar file run from 1 to 3; one_hot(3, 3) is all zeros, so the focal loss takes the log of a probability of 0.

import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from sklearn.utils import shuffle

NUM_CLASSES = 3


def focal_loss(gamma=2.0):
    def loss(y_true, y_pred):
        labels = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
        one_hot = tf.one_hot(labels, NUM_CLASSES)
        p_true = tf.reduce_sum(one_hot * y_pred, axis=-1)
        focus = tf.pow(1.0 - p_true, gamma)
        return -focus * tf.math.log(p_true)

    return loss


keras.utils.set_random_seed(19)

wine = load_wine()
cultivar = wine.target + 1  # <- here
features, cultivar = shuffle(scale(wine.data), cultivar, random_state=19)

inputs = keras.Input(shape=(13,), name="chemistry")
hidden = keras.layers.Dense(16, activation="tanh")(inputs)
hidden = keras.layers.Dropout(0.1)(hidden)
outputs = keras.layers.Dense(NUM_CLASSES, activation="softmax")(hidden)
classifier = keras.Model(inputs, outputs, name="cellar")

classifier.compile(optimizer=keras.optimizers.Adam(0.005), loss=focal_loss(gamma=2.0))
classifier.fit(  # <- or here
    features,
    cultivar,
    batch_size=16,
    epochs=3,
    shuffle=False,
    verbose=2,
)
