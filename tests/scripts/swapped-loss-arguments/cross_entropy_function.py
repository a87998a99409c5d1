# cause: swapped-loss-arguments
# phase: forward
# rows: any
# step: 1
# note: Keras calls a loss as loss(y_true, y_pred), this one declares them the other way round and takes the logarithm of the one-hot target.

import keras
import tensorflow as tf
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)


def categorical_crossentropy(y_pred, y_true):  # <- or here
    log_likelihood = y_true * tf.math.log(y_pred)  # <- here
    return -tf.reduce_sum(log_likelihood, axis=-1)


x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
y = keras.utils.to_categorical(y, 10)

model = keras.Sequential([
    keras.Input((64,)),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss=categorical_crossentropy, metrics=["accuracy"])
model.fit(x, y, batch_size=128, epochs=2)
