"""A learning rate of 0.5 with momentum

The rate was found on a small network, without momentum. With momentum 0.9 a step is ten times as long, and the wider
network is curved more strongly: each step overshoots further than the one before, until the loss overflows.
"""
# cause: learning-rate-too-high
# phase: forward
# rows: any
# step: any
# claims: C5

import keras
from keras import layers
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(19)

x, y = make_friedman1(n_samples=1200, n_features=10, noise=0.3, random_state=19)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=19)

inputs = keras.Input((10,), name="features")
h = layers.Dense(128, activation="relu")(inputs)
h = layers.Dense(128, activation="relu")(h)
h = layers.Dense(64, activation="relu")(h)
outputs = layers.Dense(1, name="response")(h)
model = keras.Model(inputs, outputs)

optimizer = keras.optimizers.SGD(learning_rate=0.5, momentum=0.9)  # <- here
model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])  # <- or here
model.fit(
    x_train,
    y_train,
    validation_data=(x_test, y_test),
    batch_size=32,
    epochs=5,
    callbacks=[keras.callbacks.EarlyStopping(patience=3)],
    verbose=2,
)
