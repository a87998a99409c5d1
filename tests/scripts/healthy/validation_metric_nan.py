# healthy

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(47)
rng = np.random.default_rng(47)
x = rng.normal(size=(160, 4)).astype("float32")
y = (x[:, :1] > 1.2).astype("float32")


def recall(y_true, y_pred):
    hits = ops.cast(y_pred > 0.5, "float32") * y_true
    return ops.sum(hits) / ops.sum(y_true)


x_val = rng.normal(size=(32, 4)).astype("float32") - 3.0
y_val = np.zeros((32, 1), "float32")

model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=[recall])
model.fit(x, y, batch_size=32, epochs=2, validation_data=(x_val, y_val), validation_batch_size=16, verbose=2)
print(model.evaluate(x_val, y_val, batch_size=16, verbose=0, return_dict=True))
