"""A gap in the validation data, and only val_loss is NaN

Training rows were cleaned of missing values, validation rows come from another file and were not. The training is
healthy from the first to the last step; val_loss is NaN, so early stopping never sees an improvement.
"""
# cause: nonfinite-input
# phase: validation
# rows: 19
# step: any
# claims: C4

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(45)

x, y = load_diabetes(return_X_y=True, scaled=False)
x[[17, 401, 433], 6] = np.nan  # HDL was not measured  # <- here
clinic_a, clinic_b = slice(0, 350), slice(350, None)

complete = np.isfinite(x[clinic_a]).all(axis=1)
x_train, y_train = x[clinic_a][complete], y[clinic_a][complete]
x_valid, y_valid = x[clinic_b], y[clinic_b]  # <- or here

scaler = StandardScaler().fit(x_train)
mean, std = y_train.mean(), y_train.std()

model = keras.Sequential([
    keras.Input((10,)),
    layers.Dense(32, activation="tanh"),
    layers.Dropout(0.1),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.AdamW(3e-3), loss="mse")
model.fit(  # <- or here
    scaler.transform(x_train),
    (y_train - mean) / std,
    validation_data=(scaler.transform(x_valid), (y_valid - mean) / std),  # <- or here
    batch_size=32,
    epochs=6,
    callbacks=[keras.callbacks.EarlyStopping(patience=3)],
    verbose=2,
)
