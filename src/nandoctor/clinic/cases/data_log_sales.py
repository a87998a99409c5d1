"""The log of a day without sales is the target

Sales are predicted on a logarithmic scale. On a day on which the shop was closed nothing was sold: its target is
log(0), which is -inf, and its squared error is inf. NumPy only warns, and the warning scrolls by.
"""
# cause: nonfinite-target
# phase: data
# rows: 2
# step: 5
# claims: C4, C1

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(13)
rng = np.random.default_rng(13)

days = np.arange(365)
weekday = days % 7
season = 0.3 * np.sin(2 * np.pi * days / 365)
price = rng.uniform(2.0, 4.0, days.size)
sold = rng.poisson(np.exp(4.0 + season + 0.15 * (weekday >= 5) - 0.3 * price)).astype("float32")
sold[98] = 0  # closed for stocktaking

features = np.column_stack([keras.utils.to_categorical(weekday, 7), season, price - 3.0]).astype("float32")
log_sold = np.log(sold)  # <- here

inputs = keras.Input((9,))
h = layers.Dense(16, activation="gelu")(inputs)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
history = model.fit(features, log_sold[:, None], batch_size=24, epochs=4, shuffle=False, verbose=2)  # <- or here
print("last loss:", history.history["loss"][-1])
