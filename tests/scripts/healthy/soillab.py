# healthy

"""Multi-target soil lab model (pH, N, P, K); not every sample got every test."""
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(70)
TARGETS = ["ph", "n", "p", "k"]


def lab_book(n, seed):
    r = np.random.default_rng(seed)
    bands = r.normal(0, 1, (n, 10))
    bands[:, 7] = bands[:, 6] * 0.9 + 0.1 * bands[:, 7]
    mix = r.normal(0, 0.4, (10, 4))
    y = np.tanh(bands @ mix) + r.normal(0, 0.1, (n, 4))
    y[r.random((n, 4)) < 0.55] = np.nan
    bands[r.random(n) < 0.02] = np.nan
    return bands, y


bands, y = lab_book(1400, 70)
usable = np.isfinite(bands).all(1)
bands, y = bands[usable], y[usable]
print("samples", len(y), "missing labels per target", np.isnan(y).sum(0))
mean, std = np.nanmean(y, 0), np.nanstd(y, 0)
y = (y - mean) / std
X, y = bands.astype("float32"), y.astype("float32")


def masked_mse(y_true, y_pred):
    known = ops.logical_not(ops.isnan(y_true))
    target = ops.where(known, y_true, ops.zeros_like(y_true))
    w = ops.cast(known, y_pred.dtype)
    err = ops.square(target - y_pred) * w
    return ops.sum(err, axis=-1) / ops.maximum(ops.sum(w, axis=-1), 1.0)


def ratio_np(y_true, y_pred):
    return ops.mean(ops.sqrt(y_pred[:, 1] / y_pred[:, 2]))


def raw_bias(y_true, y_pred):
    return ops.mean(y_pred - y_true)


inp = keras.Input((10,))
x = layers.Dense(48, activation="mish")(inp)
x = layers.LayerNormalization()(x)
x = layers.Dense(24, activation="mish")(x)
model = keras.Model(inp, layers.Dense(4)(x))
model.compile(
    optimizer=keras.optimizers.Nadam(2e-3),
    loss=masked_mse,
    metrics=[ratio_np, raw_bias],
)
h = model.fit(X, y, validation_split=0.2, batch_size=64, epochs=6, verbose=0)
for k, v in h.history.items():
    print(k, np.round(v, 4))

pred = model.predict(X, verbose=0)
for i, name in enumerate(TARGETS):
    ok = np.isfinite(y[:, i])
    print(name, "rmse", float(np.sqrt(np.mean((pred[ok, i] - y[ok, i]) ** 2))))
