# cause: empty-validation
# phase: validation
# rows: any
# step: any
# note: the validation year is written as a string in the data and compared with a number, so the selection is empty

import keras
import numpy as np

keras.utils.set_random_seed(6)


def sales(n=240):
    rng = np.random.default_rng(6)
    year = rng.choice(["2021", "2022", "2023"], n)
    features = rng.normal(size=(n, 5)).astype("float32")
    return year, features, features.sum(axis=1)


class Forecaster(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(10, activation="relu")
        self.out = keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def main():
    year, x, y = sales()
    held_out = np.array([value == 2023 for value in year])
    model = Forecaster()
    model.compile(optimizer="rmsprop", loss="mae")
    model.fit(  # <- here
        x[~held_out],
        y[~held_out],
        validation_data=(x[held_out], y[held_out]),
        batch_size=24,
        epochs=2,
        verbose=0,
    )


if __name__ == "__main__":
    main()
