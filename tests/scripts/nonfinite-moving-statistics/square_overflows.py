# cause: nonfinite-moving-statistics
# phase: state
# rows: any
# step: any

import numpy as np, tensorflow as tf, keras
keras.utils.set_random_seed(0)
x = np.random.randn(40, 6).astype("float32"); y = np.random.rand(40, 1).astype("float32")
x[33] *= 1e21
inp = keras.Input((6,))
a = keras.layers.Dense(8, activation="relu")(inp)
b = keras.layers.BatchNormalization(momentum=0.9)(a)  # <- here
b = keras.layers.Dense(4, activation="tanh")(b)
out = keras.layers.Dense(1)(b)
m = keras.Model(inp, out)
m.compile(keras.optimizers.Adam(1e-3), "mse")
m.fit(x, y, batch_size=8, epochs=3, validation_data=(x[:20], y[:20]), verbose=2, shuffle=False)
