# healthy

"""Tiny convnet in mixed precision; scale taken over from the config of a bigger model."""
import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.config.set_dtype_policy("mixed_float16")
keras.utils.set_random_seed(1)

CONFIG = {"initial_scale": 2.0 ** 28, "growth_steps": 60, "lr": 2e-3, "batch": 64, "epochs": 4}


class UnitNorm(layers.Layer):
    def call(self, x):
        x32 = keras.ops.cast(x, "float32")
        length = keras.ops.sqrt(keras.ops.sum(x32 * x32, axis=-1, keepdims=True) + 1e-8)
        return keras.ops.cast(x32 / length, self.compute_dtype)


class ScaleLog(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.scales, self.best = [], float("inf")

    def on_train_batch_end(self, batch, logs=None):
        self.scales.append(float(self.model.optimizer.dynamic_scale))

    def on_epoch_end(self, epoch, logs=None):
        self.best = min(self.best, logs["val_loss"])


def build():
    inp = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inp)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = UnitNorm()(x)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(inp, layers.Dense(10, dtype="float32")(x))


x, y = load_digits(return_X_y=True)
x = (x.reshape(-1, 8, 8, 1) / 16.0).astype("float32")
xtr, xva, ytr, yva = train_test_split(x, y, test_size=0.2, random_state=2, stratify=y)

model = build()
optimizer = keras.optimizers.LossScaleOptimizer(
    keras.optimizers.Adam(CONFIG["lr"]),
    initial_scale=CONFIG["initial_scale"],
    dynamic_growth_steps=CONFIG["growth_steps"],
)
model.compile(
    optimizer=optimizer,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
log = ScaleLog()
h = model.fit(xtr, ytr, validation_data=(xva, yva), batch_size=CONFIG["batch"], epochs=CONFIG["epochs"],
              verbose=2, callbacks=[log])
print("first scales", log.scales[:14], "last", log.scales[-1])
print("loss", h.history["loss"], "val", h.history["val_loss"], "best", log.best)
print("weights finite", all(np.isfinite(w).all() for w in model.get_weights()))
