"""log1p of a prediction below -1

Sales are compared on a logarithmic scale, log1p(true) against log1p(predicted). The last layer is linear and knows
nothing of that: in the first epoch some predictions are below -1, and log1p of them is NaN.
"""
# cause: domain-error
# phase: forward
# rows: any
# step: any
# claims: C1, C9

import keras
from keras import layers, ops
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(52)

x, response = make_friedman1(n_samples=1000, n_features=8, noise=0.5, random_state=52)
sales = ops.convert_to_numpy(ops.maximum(response - 12.0, 0.0))[:, None]
x = (4.0 * (x - 0.5)).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, sales, test_size=0.2, random_state=52)


def squared_log_error(y_true, y_pred):
    difference = ops.log1p(y_pred) - ops.log1p(y_true)  # <- here
    return ops.mean(ops.square(difference), axis=-1)


model = keras.Sequential([
    keras.Input((8,)),
    layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
    layers.Dense(1),  # <- or here
])
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=squared_log_error, metrics=["mae"])
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=50, epochs=5, verbose=2)
