# cause: log-of-zero
# phase: forward
# rows: any
# step: 1
# note: a ReLU keeps the prediction non-negative but makes it exactly 0 for many rows, and the logarithmic error takes log(0)

import tensorflow as tf
from sklearn.datasets import load_diabetes
from tensorflow import keras

keras.utils.set_random_seed(1)


def log_error(y_true, y_pred):
    # relative errors matter, not absolute ones
    difference = tf.math.log(y_true) - tf.math.log(y_pred)  # <- here
    return tf.reduce_mean(tf.square(difference))


X, y = load_diabetes(return_X_y=True)
X = (X / X.std(axis=0)).astype("float32")
y = (y / 100).astype("float32").reshape(-1, 1)

model = keras.models.Sequential(
    [
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="relu"),  # the progression is never negative  # <- or here
    ]
)
model.compile(optimizer="adam", loss=log_error)
history = model.fit(X, y, epochs=3, batch_size=32, validation_split=0.2, verbose=2)
