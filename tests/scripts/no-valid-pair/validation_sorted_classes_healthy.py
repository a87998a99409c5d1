# healthy

import numpy as np
import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(29)


def pairwise_loss(y_true, z, margin=1.0):
    y = tf.reshape(y_true, [-1])
    squared = tf.reduce_sum(tf.square(z[:, None] - z[None]), axis=-1)
    same = y[:, None] == y[None]
    far = tf.maximum(margin - squared, 0.0)
    pull = tf.reduce_mean(tf.boolean_mask(squared, same))
    push = tf.reduce_mean(tf.boolean_mask(far, ~same))
    return pull + push


x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
order = np.random.default_rng(0).permutation(200)
x_val, y_val = x[400:600][order], y[400:600][order]

model = keras.Sequential([keras.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(8)])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=pairwise_loss)
model.fit(
    x[:320],
    y[:320],
    batch_size=32,
    epochs=2,
    validation_data=(x_val, y_val),
    validation_batch_size=50,
    verbose=2,
)
