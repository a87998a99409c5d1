# healthy

"""A ReLU recurrence from the identity on short sequences, with penalties and weight decay of ordinary size."""
import keras
import numpy as np
from keras import layers, regularizers

keras.utils.set_random_seed(51)
rng = np.random.default_rng(2)
x = rng.uniform(0.0, 1.0, (256, 20, 2)).astype("float32")
y = x[:, ::7, 0].sum(axis=1)[:, None]

model = keras.Sequential([
    keras.Input((20, 2)),
    layers.SimpleRNN(
        24,
        activation="relu",
        recurrent_initializer=keras.initializers.Identity(),
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        kernel_regularizer=regularizers.L1L2(1e-5, 1e-4),
        activity_regularizer=regularizers.L2(1e-5),
    ),
    layers.Dense(1, kernel_regularizer=regularizers.L2(1e-3)),
])
model.compile(optimizer=keras.optimizers.AdamW(1e-3, weight_decay=0.01, global_clipnorm=1.0), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
