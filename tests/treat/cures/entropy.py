"""A hand-written binary cross-entropy; the model becomes sure of some rows, right and wrong."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
x = rng.normal(size=(64, 3)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
x[50] = [90.0, 90.0, 90.0]  # its probability is exactly 1
x[51] = [-250.0, -250.0, -250.0]  # and of this one exactly 0


def cross_entropy(y_true, p):
    return -tf.reduce_mean(y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p))


model = keras.Sequential([
    keras.Input((3,)),
    keras.layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.Constant(0.4)),
])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss=cross_entropy)
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
