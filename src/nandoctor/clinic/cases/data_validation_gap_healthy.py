"""The validation data cleaned like the training data

Rows with a missing value are left out of both parts, and val_loss is a number that early stopping can use.
"""
# healthy
# claims: C4

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(45)

x, y = load_diabetes(return_X_y=True, scaled=False)
x[[17, 401, 433], 6] = np.nan  # HDL was not measured
clinic_a, clinic_b = slice(0, 350), slice(350, None)

complete = np.isfinite(x[clinic_a]).all(axis=1)
x_train, y_train = x[clinic_a][complete], y[clinic_a][complete]
measured = np.isfinite(x[clinic_b]).all(axis=1)
x_valid, y_valid = x[clinic_b][measured], y[clinic_b][measured]

scaler = StandardScaler().fit(x_train)
mean, std = y_train.mean(), y_train.std()

model = keras.Sequential([
    keras.Input((10,)),
    layers.Dense(32, activation="tanh"),
    layers.Dropout(0.1),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.AdamW(3e-3), loss="mse")
model.fit(
    scaler.transform(x_train),
    (y_train - mean) / std,
    validation_data=(scaler.transform(x_valid), (y_valid - mean) / std),
    batch_size=32,
    epochs=6,
    callbacks=[keras.callbacks.EarlyStopping(patience=3)],
    verbose=2,
)
