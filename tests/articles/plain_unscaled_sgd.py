# cause: unscaled-input
# phase: forward
# rows: any
# step: any
# note: features of up to 1000 and plain SGD: every step overshoots further than the one before until the loss overflows

import numpy as np
from tensorflow import keras

keras.utils.set_random_seed(42)

X_train = np.random.rand(1000, 10) * 1000  # <- here
y_train = X_train @ np.random.rand(10, 1) / 1000

model = keras.Sequential()
model.add(keras.layers.Input(shape=(10,)))
model.add(keras.layers.Dense(32))
model.add(keras.layers.LeakyReLU())
model.add(keras.layers.Dense(1))

model.compile(optimizer=keras.optimizers.SGD(learning_rate=1e-4), loss="mean_squared_error")
model.fit(X_train, y_train, epochs=3, batch_size=100, verbose=2)  # <- or here
