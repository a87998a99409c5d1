# healthy

"""House prices: one mistyped price makes the loss jump by five orders of magnitude; clipping lets training go on."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(90)

rng = np.random.default_rng(44)
rooms = rng.integers(1, 8, size=(400, 1))
area = 25 * rooms + rng.normal(0, 12, size=(400, 1))
distance = rng.gamma(2.0, 4.0, size=(400, 1))
price = 0.9 * area + 20 * rooms - 3 * distance + rng.normal(0, 10, size=(400, 1))

x = np.concatenate([rooms, area, distance], axis=1)
x = (x - x.mean(axis=0)) / x.std(axis=0)
y = (price - price.mean()) / price.std()
y[217] *= 2000.0  # typed in cents

model = keras.Sequential([
    layers.Input((3,)),
    layers.Dense(16, activation="relu"),
    layers.Dense(16, activation="relu"),
    layers.Dense(1),
])
model.compile(
    optimizer=keras.optimizers.SGD(0.02, momentum=0.9, global_clipnorm=1.0),
    loss="mean_squared_error",
)
model.fit(x.astype("float32"), y.astype("float32"), batch_size=20, epochs=3, shuffle=False, verbose=2)
