# healthy

# Dock occupancy forecast for the harbour district, exported from my notebook
import numpy as np
import keras
from keras import layers
from scipy.special import expit, logit

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)

# ------------------------------------------------------------------ load
STATIONS = 12
HOURS = 24 * 21
hour = np.arange(HOURS)
hod, dow = hour % 24, (hour // 24) % 7
rain = (rng.random(HOURS) < 0.12).astype(float)
capacity = rng.integers(14, 32, STATIONS)
bikes = np.zeros((STATIONS, HOURS))
for s in range(STATIONS):
    z = rng.normal(0, 0.5) + 1.1 * np.sin(2 * np.pi * (hod - 9) / 24) - 0.7 * rain
    z += 0.25 * (dow >= 5) + rng.normal(0, 0.35, HOURS)
    bikes[s] = np.clip(rng.binomial(capacity[s], expit(z)), 1, capacity[s] - 1)
print("bikes per station", bikes.mean(1).round(1), "capacity", capacity)

# ------------------------------------------------------------------ features
fill = bikes / capacity[:, None]
LAG = 24


def stack_features(station):
    t = np.arange(LAG, HOURS)
    f = fill[station]
    return np.stack(
        [
            f[t - 1],
            f[t - LAG],
            np.sin(2 * np.pi * hod[t] / 24),
            np.cos(2 * np.pi * hod[t] / 24),
            (dow[t] >= 5).astype(float),
            rain[t],
        ],
        axis=1,
    )


X = np.stack([stack_features(s) for s in range(STATIONS)])
y = logit(fill[:, LAG:])
lo, med, hi = np.quantile(y, [0.25, 0.5, 0.75])
y = (y - med) / (hi - lo)

cut = int(X.shape[1] * 0.8)
Xtr, Xva = X[:, :cut].reshape(-1, 6), X[:, cut:].reshape(-1, 6)
ytr, yva = y[:, :cut].reshape(-1), y[:, cut:].reshape(-1)
mu, sd = Xtr.mean(0), Xtr.std(0)
Xtr, Xva = (Xtr - mu) / sd, (Xva - mu) / sd
print("train", Xtr.shape, "valid", Xva.shape)

# ------------------------------------------------------------------ model
model = keras.Sequential(
    [
        keras.Input((6,)),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.1),
        layers.Dense(16, activation="relu"),
        layers.Dense(1),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=keras.losses.Huber(delta=1.0),
    metrics=["mae"],
    steps_per_execution=4,
)
hist = model.fit(
    Xtr.astype("float32"),
    ytr.astype("float32"),
    sample_weight=np.tile(1.0 + (dow[LAG:LAG + cut] >= 5), STATIONS).astype("float32"),
    validation_data=(Xva.astype("float32"), yva.astype("float32")),
    epochs=4,
    batch_size=128,
    verbose=0,
)
print("loss", hist.history["loss"])
print("val ", hist.history["val_loss"])
