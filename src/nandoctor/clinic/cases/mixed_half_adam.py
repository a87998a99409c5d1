"""Adam in pure float16

To halve the memory everything is float16, the weights too. Adam divides by sqrt(v) + 1e-8. In float16 1e-8 is exactly
0, and so is v where the gradient is small: the update is 0 / 0 in the first step.
"""
# cause: optimizer-epsilon-underflow
# phase: update
# rows: any
# step: any
# claims: C3, R10

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(26)
keras.config.set_floatx("float16")

x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float16")
y = y.astype("float16")[:, None]

model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(16, activation="relu"),
    layers.Dense(1),
])
optimizer = keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-8)  # <- here


def logistic_loss(y_true, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)


model.compile(optimizer=optimizer, loss=logistic_loss)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
