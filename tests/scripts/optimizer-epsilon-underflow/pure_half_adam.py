# cause: optimizer-epsilon-underflow
# phase: update
# rows: any
# step: any
# note: the weights are float16 and epsilon=1e-8 is 0 there; the first pixel is always 0, its gradient too, and Adam divides 0 by 0.

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(30)
keras.config.set_dtype_policy("float16")

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float16")

model = keras.Sequential([
    keras.Input((64,), dtype="float16"),
    layers.Dense(32, activation="relu"),
    layers.Dense(10),
])
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-8),  # <- here
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(x[:640], y[:640], batch_size=32, epochs=2, verbose=2)
