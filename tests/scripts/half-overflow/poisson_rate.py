# cause: half-overflow
# phase: forward
# rows: any
# step: any
# note: in float16 the exponential of the log rate overflows beyond 11.09, which counts of a hundred thousand need.

"""Poisson regression of page views; the model predicts the logarithm of the rate, in half precision throughout."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(10)
keras.mixed_precision.set_global_policy("mixed_float16")

rng = np.random.default_rng(11)
x = rng.standard_normal((256, 6)).astype("float32")
views = rng.poisson(np.exp(11.6 + 0.3 * x[:, 0])).astype("float32")[:, None]


inputs = keras.Input((6,))
h = layers.Dense(16, activation="tanh")(inputs)
bias = keras.initializers.Constant(np.log(views.mean()))
outputs = layers.Dense(1, activation="exponential", bias_initializer=bias)(h)  # <- here
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(1e-8), loss="poisson")
model.fit(x, views, batch_size=32, epochs=2, verbose=2)
