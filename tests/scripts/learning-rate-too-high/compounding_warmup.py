# cause: learning-rate-too-high
# phase: forward
# rows: any
# step: any
# note: the schedule multiplies the rate of the epoch before: it grows as a factorial, to 2.4

"""Building energy regression, SGD with warm-up and step decay."""
import numpy as np
import keras
from keras import layers
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

BASE_LR = 0.02  # <- or here
WARMUP = 6
EPOCHS = 16


def get_data(seed=4):
    x, y = make_friedman1(n_samples=1024, n_features=10, noise=0.5, random_state=seed)
    x = StandardScaler().fit_transform(x).astype("float32")
    y = StandardScaler().fit_transform(y[:, None]).astype("float32")
    return x[:832], y[:832], x[832:], y[832:]


def schedule(epoch, lr):
    """Linear warm-up, then halve every four epochs."""
    if 0 < epoch < WARMUP:
        return lr * (epoch + 1)  # <- here
    if epoch >= WARMUP and (epoch - WARMUP) % 4 == 0:
        return lr * 0.5
    return lr


class Residual(layers.Layer):
    def __init__(self, units, **kw):
        super().__init__(**kw)
        self.a = layers.Dense(units, activation="relu")
        self.b = layers.Dense(units)

    def call(self, x):
        return x + self.b(self.a(x))


def make_model():
    return keras.Sequential([
        keras.Input((10,)),
        layers.Dense(32),
        Residual(32),
        Residual(32),
        layers.Dense(1),
    ])


if __name__ == "__main__":
    keras.utils.set_random_seed(4)
    xtr, ytr, xva, yva = get_data()
    model = make_model()
    model.compile(
        optimizer=keras.optimizers.SGD(BASE_LR / WARMUP, momentum=0.9),  # <- or here
        loss="mse",
        steps_per_execution=4,
    )
    callbacks = [
        keras.callbacks.LearningRateScheduler(schedule),  # <- or here
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=12),
    ]
    hist = model.fit(xtr, ytr, batch_size=64, epochs=EPOCHS, validation_data=(xva, yva),
                     callbacks=callbacks, verbose=2)
    best = np.nanmin(hist.history["val_loss"])
    print("best validation mse", best)
