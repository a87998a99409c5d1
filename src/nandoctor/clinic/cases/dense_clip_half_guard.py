"""Clipped from below only, and log(1 - p) still breaks

Probabilities are clipped to [1e-7, 1.0] "to avoid NaN". That guards log(p), but a p of exactly 1 passes the clip and
log(1 - p) is log(0): a very clear tumour makes the loss NaN as soon as the network is certain of it.
"""
# cause: log-of-zero
# phase: forward
# rows: 13
# step: any
# claims: C1, R7

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

EPSILON = 1e-7

keras.utils.set_random_seed(8)

x, y = load_breast_cancer(return_X_y=True)
malignant = (y == 0).astype("float32")[:, None]
x = StandardScaler().fit_transform(x).astype("float32")


def weighted_cross_entropy(y_true, y_pred):
    """Missing a tumour is three times as bad as a false alarm."""
    p = tf.clip_by_value(y_pred, EPSILON, 1.0)  # avoid log(0)!  # <- or here
    missed = -3.0 * y_true * tf.math.log(p)
    false_alarm = -(1.0 - y_true) * tf.math.log(1.0 - p)  # <- here
    return tf.reduce_mean(missed + false_alarm)


model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(
    optimizer=keras.optimizers.Adam(0.002),
    loss=weighted_cross_entropy,
    metrics=["accuracy", keras.metrics.Recall()],
)
model.fit(x, malignant, batch_size=32, epochs=6, shuffle=False, verbose=2)
