# cause: log-of-zero
# phase: validation
# rows: 11
# step: any
# note: a site of the test set has a share of exactly 0, which no site of the training set had

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(43)
rng = np.random.default_rng(43)


def sites(n):
    cover = rng.dirichlet([4.0, 3.0, 3.0], n).astype("float32")
    bands = (cover @ rng.normal(size=(3, 5)) + rng.normal(0, 0.05, (n, 5))).astype("float32")
    return bands, cover


def divergence(y_true, y_pred):
    return ops.sum(y_true * (ops.log(y_true) - ops.log(y_pred)), axis=-1)  # <- here


x, y = sites(128)
x_test, y_test = sites(48)
y_test[27] = [0.0, 0.6, 0.4]

model = keras.Sequential([keras.Input((5,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=divergence)
model.fit(x, y, batch_size=16, epochs=2, verbose=2)
print("test loss:", model.evaluate(x_test, y_test, batch_size=16, verbose=0))
