# healthy

import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(53)
rng = np.random.default_rng(53)
x = rng.normal(size=(160, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 1)) + rng.normal(0, 0.5, (160, 1))).astype("float32")

model = keras.Sequential([keras.Input((6,)), layers.Dense(64, activation="relu"), layers.BatchNormalization(), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse", metrics=["mae"])
stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
history = model.fit(x, y, batch_size=32, epochs=25, validation_split=0.25, callbacks=[stopping], verbose=2)
print("best epoch", int(np.argmin(history.history["val_loss"])), model.evaluate(x[-40:], y[-40:], verbose=0))
