# cause: learning-rate-too-high
# phase: validation
# rows: any
# step: any
# note: each step is normalised by its own batch and stays finite; the moving statistics are left behind by what grows

"""Two joint angles from twenty strain gauges, a residual network; the rate is the one of the linear baseline."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(17)
rng = np.random.default_rng(17)
x = rng.normal(size=(640, 20)).astype("float32")
y = np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]], axis=1).astype("float32")

inputs = keras.Input((20,))
h = layers.Dense(32)(inputs)
for _ in range(8):
    branch = layers.Dense(32, activation="relu", kernel_initializer="he_normal")(h)
    branch = layers.Dense(32, use_bias=False)(branch)
    h = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(layers.Add()([h, branch]))
outputs = layers.Dense(2)(h)
model = keras.Model(inputs, outputs)

model.compile(keras.optimizers.SGD(1.0, momentum=0.9), "mse")  # <- here
history = model.fit(
    x[:128], y[:128], validation_data=(x[512:], y[512:]), batch_size=32, epochs=1, shuffle=False, verbose=0
)
print(history.history)
