# cause: excessive-regularisation
# phase: validation
# rows: any
# step: any
# note: the alpha of a ridge regression, meant for a sum, is the factor of an L2: each step multiplies the weights by -2

"""Port of our sklearn baseline for the diabetes table to Keras."""
import numpy as np
import keras
from keras import layers, regularizers
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(6)
ALPHA = 30.0  # <- or here
HIDDEN = (32, 16)

X, y = load_diabetes(return_X_y=True)
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.2, random_state=6)
sx = StandardScaler().fit(Xtr)
sy = StandardScaler().fit(ytr[:, None])
Xtr, Xte = sx.transform(Xtr), sx.transform(Xte)
ytr, yte = sy.transform(ytr[:, None]), sy.transform(yte[:, None])

baseline = Ridge(alpha=ALPHA).fit(Xtr, ytr)
print("ridge R2:", round(baseline.score(Xte, yte), 3))


def build_model(alpha):
    inputs = keras.Input((Xtr.shape[1],), name="table")
    h = inputs
    for k, units in enumerate(HIDDEN):
        h = layers.Dense(units, activation="relu", name=f"hidden_{k}")(h)
    out = layers.Dense(1, kernel_regularizer=regularizers.L2(alpha), name="target")(h)  # <- here
    model = keras.Model(inputs, out)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.05),
        loss="mse",
        metrics=["mae"],
    )
    return model


model = build_model(ALPHA)  # <- or here
history = model.fit(
    Xtr.astype("float32"),
    ytr.astype("float32"),
    validation_data=(Xte.astype("float32"), yte.astype("float32")),
    batch_size=32,
    epochs=8,
    verbose=0,
)
for e, (a, b) in enumerate(zip(history.history["loss"], history.history["val_loss"])):
    print(f"epoch {e}: loss {a:.4g}  val {b:.4g}")
print("best val mae", np.min(history.history["val_mae"]))
