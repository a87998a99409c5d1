# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import make_blobs

keras.utils.set_random_seed(4)

HARD = 0.25


def hard_example_loss(y_true, y_pred):
    per_example = keras.losses.sparse_categorical_crossentropy(
        tf.reshape(y_true, [-1]), y_pred, from_logits=True
    )
    is_hard = tf.cast(per_example > HARD, per_example.dtype)
    n_hard = tf.maximum(tf.reduce_sum(is_hard), 1.0)
    return tf.reduce_sum(per_example * is_hard) / n_hard


x, y = make_blobs(n_samples=160, n_features=6, centers=4, cluster_std=1.0, random_state=9)
x = ((x - x.mean(0)) / x.std(0)).astype("float32")

inputs = keras.Input((6,))
h = layers.Dense(32, activation="relu", kernel_regularizer="l2")(inputs)
logits = layers.Dense(4)(h)
model = keras.Model(inputs, logits)

model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=hard_example_loss,
    metrics=["accuracy"],
)
model.fit(x, y, batch_size=32, epochs=12, verbose=0)
