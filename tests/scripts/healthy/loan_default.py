# healthy

"""Kaggle notebook turned script: default risk with undecided loans in the table."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers, ops

keras.utils.set_random_seed(43)
rng = np.random.default_rng(43)

# --- raw table
n = 1100
income = rng.lognormal(10, 0.5, n)
income[rng.random(n) < 0.03] = 0.0
debt = rng.lognormal(9, 0.8, n)
age = rng.normal(44, 12, n)
age[rng.random(n) < 0.05] = np.nan
years = rng.integers(0, 30, n).astype("float64")
branch_code = np.full(n, 7.0)
default = rng.binomial(1, 1 / (1 + np.exp(-(np.log(debt) - 9 - 0.05 * years)))).astype("float64")
default[rng.random(n) < 0.2] = -1
default[200:264] = -1

# --- features
with np.errstate(divide="ignore", invalid="ignore"):
    ratio = debt / income
    log_income = np.log(income)
raw = np.c_[ratio, log_income, np.log(debt), age, years, branch_code]
raw[~np.isfinite(raw)] = np.nan
missing = np.isnan(raw)
median = np.nanmedian(raw, axis=0)
filled = np.where(missing, median, raw)
spread = filled.std(axis=0)
z = (filled - filled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
X = np.concatenate([np.clip(z, -5, 5), missing[:, [0, 3]]], axis=1).astype("float32")
y = default.astype("float32")[:, None]


# --- loss that leaves out the undecided loans
def decided_bce(y_true, logit):
    known = ops.cast(y_true >= 0, "float32")
    target = ops.maximum(y_true, 0.0)
    bce = ops.maximum(logit, 0) - logit * target + ops.log1p(ops.exp(-ops.abs(logit)))
    return ops.divide_no_nan(ops.sum(bce * known), ops.sum(known))


ds = tf.data.Dataset.from_tensor_slices((X[:961], y[:961])).batch(32)
val = tf.data.Dataset.from_tensor_slices((X[961:], y[961:])).batch(64)

model = keras.Sequential(
    [
        layers.Input((X.shape[1],)),
        layers.Dense(32),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dropout(0.3),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(2e-2), loss=decided_bce)
log = model.fit(ds, validation_data=val, epochs=6, verbose=0,
                callbacks=[keras.callbacks.TerminateOnNaN(),
                           keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5)])
print("loss", log.history["loss"])
print("val ", log.history["val_loss"])
