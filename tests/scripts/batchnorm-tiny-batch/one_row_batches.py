# cause: batchnorm-tiny-batch
# phase: validation
# rows: any
# step: any

import numpy as np, tensorflow as tf, keras
keras.utils.set_random_seed(0)
x = np.random.randn(40, 6).astype("float32") * 3; y = np.random.rand(40, 1).astype("float32")
inp = keras.Input((6,))
h = keras.layers.Dense(16)(inp)
h = keras.layers.BatchNormalization(momentum=0.5, epsilon=1e-12)(h)  # <- here
h = keras.layers.Dense(16, activation="softplus")(h)
out = keras.layers.Lambda(lambda t: tf.exp(t))(keras.layers.Dense(1)(h))
m = keras.Model(inp, out)
m.compile(keras.optimizers.Adam(1e-3), "mse")
m.fit(x, y, batch_size=1, epochs=3, validation_data=(x, y), verbose=2)
