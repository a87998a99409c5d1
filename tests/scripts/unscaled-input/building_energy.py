# cause: unscaled-input
# phase: forward
# rows: any
# step: any
# note: area, year and degree days go in as they are; the target is standardised

"""Predict the energy grade score of buildings from the municipal register."""
import numpy as np
import keras
from keras import layers
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)


def load_register(n=900):
    area = rng.gamma(2.0, 900.0, n) + 60.0
    built = rng.integers(1905, 2021, n).astype("float64")
    degree_days = rng.normal(2900.0, 420.0, n)
    storeys = rng.integers(1, 12, n).astype("float64")
    window_share = rng.beta(2.0, 5.0, n)
    insulated = rng.binomial(1, np.clip((built - 1930) / 90.0, 0.05, 0.95), n)
    score = (
        3.0
        - 0.02 * (built - 1960)
        + 0.4 * np.log(area / 500.0)
        + 0.0006 * (degree_days - 2900)
        + 1.1 * window_share
        - 0.8 * insulated
        + rng.normal(0, 0.2, n)
    )
    table = {
        "area": area,
        "built": built,
        "degree_days": degree_days,
        "storeys": storeys,
        "window_share": window_share,
        "insulated": insulated,
    }
    return table, score


FEATURES = ["area", "built", "degree_days", "storeys", "window_share", "insulated"]

table, score = load_register()
X = np.stack([table[name] for name in FEATURES], axis=1).astype("float32")  # <- here
y = ((score - score.mean()) / score.std()).astype("float32")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=3)  # <- or here

model = keras.Sequential(
    [
        layers.Input((len(FEATURES),)),  # <- or here
        layers.Dense(32, activation="relu"),  # <- or here
        layers.Dense(16, activation="relu"),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse", metrics=["mae"])

history = model.fit(  # <- or here
    X_train, y_train,  # <- or here
    validation_data=(X_test, y_test),
    epochs=6,
    batch_size=32,
    verbose=0,
)
for i, (a, b) in enumerate(zip(history.history["loss"], history.history["val_loss"])):
    print(f"epoch {i + 1}: loss {a:.4f}  val_loss {b:.4f}")
