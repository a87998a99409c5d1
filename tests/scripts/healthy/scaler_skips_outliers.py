# healthy

"""Mixed precision with a scale that grows fast: it overflows again and again, is halved, and training goes on."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(52)
keras.mixed_precision.set_global_policy("mixed_float16")
rng = np.random.default_rng(3)
x = rng.standard_normal((512, 10)).astype("float32")
x[::100] *= 30.0
y = x[:, :1] - 0.5 * x[:, 4:5]

model = keras.Sequential([keras.Input((10,)), layers.Dense(32, activation="relu"), layers.Dense(1, dtype="float32")])
optimizer = keras.optimizers.LossScaleOptimizer(
    keras.optimizers.SGD(1e-4), initial_scale=2.0**40, dynamic_growth_steps=2
)
model.compile(optimizer=optimizer, loss="mse", auto_scale_loss=False)
model.fit(x, y, batch_size=16, epochs=3, verbose=2)
