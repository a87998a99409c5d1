# healthy

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(27)
keras.mixed_precision.set_global_policy("mixed_float16")

rng = np.random.default_rng(12)
x = rng.standard_normal((512, 16)).astype("float32")
y = (x[:, :1] * x[:, 1:2]).astype("float32")

model = keras.Sequential([
    keras.Input((16,)),
    layers.Dense(64, activation="relu"),
    layers.Dense(64, activation="relu"),
    layers.Dense(1, dtype="float32"),
])
optimizer = keras.optimizers.SGD(learning_rate=0.01)
model.compile(optimizer=optimizer, loss="mse")
model.fit(x, y, batch_size=32, epochs=6, verbose=2)
