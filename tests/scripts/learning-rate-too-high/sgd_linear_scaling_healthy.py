# healthy

import keras
from keras import layers
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)

BATCH_SIZE = 64
BASE_LR = 0.05
learning_rate = BASE_LR * BATCH_SIZE / 256

x, y = make_regression(n_samples=1024, n_features=12, noise=5.0, random_state=1)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y.reshape(-1, 1))

model = keras.Sequential([
    keras.Input(shape=(12,)),
    layers.Dense(16, activation="tanh"),
    layers.Dense(1),
])

model.compile(optimizer=keras.optimizers.SGD(learning_rate=learning_rate), loss="mse", metrics=["mae"])
model.fit(x, y, batch_size=BATCH_SIZE, epochs=10, verbose=2)
