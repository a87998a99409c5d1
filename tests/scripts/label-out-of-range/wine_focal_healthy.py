# healthy

import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from sklearn.utils import shuffle

NUM_CLASSES = 3


def focal_loss(gamma=2.0):
    def loss(y_true, y_pred):
        labels = tf.cast(tf.reshape(y_true, [-1]), tf.int32) - 1  # ids start at 1
        one_hot = tf.one_hot(labels, NUM_CLASSES)
        p_true = tf.reduce_sum(one_hot * y_pred, axis=-1)
        focus = tf.pow(1.0 - p_true, gamma)
        return -focus * tf.math.log(p_true)

    return loss


keras.utils.set_random_seed(19)

wine = load_wine()
cultivar = wine.target + 1
features, cultivar = shuffle(scale(wine.data), cultivar, random_state=19)

inputs = keras.Input(shape=(13,), name="chemistry")
hidden = keras.layers.Dense(16, activation="tanh")(inputs)
hidden = keras.layers.Dropout(0.1)(hidden)
outputs = keras.layers.Dense(NUM_CLASSES, activation="softmax")(hidden)
classifier = keras.Model(inputs, outputs, name="cellar")

classifier.compile(optimizer=keras.optimizers.Adam(0.005), loss=focal_loss(gamma=2.0))
classifier.fit(
    features,
    cultivar,
    batch_size=16,
    epochs=3,
    shuffle=False,
    verbose=2,
)
