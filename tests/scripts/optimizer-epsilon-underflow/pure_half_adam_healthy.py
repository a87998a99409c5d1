# healthy

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
    optimizer=keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-4),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(x[:640], y[:640], batch_size=32, epochs=2, verbose=2)
