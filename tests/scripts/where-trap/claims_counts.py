# cause: where-trap
# phase: backward
# rows: any
# step: 1
# note: where no claim was made the hidden branch is 0 * log(0), and its slope is NaN

"""Frequency model for motor claims: a GLM-like network with exposure as sample weight."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

SEED = 31
keras.utils.set_random_seed(SEED)


class PoissonDeviance(keras.losses.Loss):
    """2 * (y log(y / mu) - (y - mu)), the deviance actuaries report."""

    def __init__(self, name="poisson_deviance", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        ratio_term = tf.where(y_true > 0, y_true * tf.math.log(y_true / y_pred), tf.zeros_like(y_pred))  # <- here
        return 2.0 * tf.reduce_mean(ratio_term - (y_true - y_pred), axis=-1)


def simulate(n):
    rng = np.random.default_rng(SEED)
    driver_age = rng.uniform(18, 80, n)
    power = rng.integers(4, 12, n)
    bonus = rng.uniform(50, 150, n)
    region = rng.integers(0, 6, n)
    exposure = rng.uniform(0.1, 1.0, n)
    rate = np.exp(-1.6 + 0.015 * (bonus - 100) + 0.03 * power + 0.4 * (driver_age < 25))
    claims = rng.poisson(rate * exposure) / exposure
    numeric = np.stack([(driver_age - 49) / 18, (power - 7.5) / 2.3, (bonus - 100) / 29], axis=1)
    return numeric.astype("float32"), region.astype("int32"), claims.astype("float32")[:, None], exposure.astype("float32")


def build():
    numeric = keras.Input((3,), name="numeric")
    region = keras.Input((), dtype="int32", name="region")
    e = layers.Embedding(6, 2)(region)
    h = layers.Concatenate()([numeric, e])
    h = layers.Dense(32, activation="relu")(h)
    h = layers.Dense(16, activation="relu")(h)
    mu = layers.Dense(1, activation="softplus", name="frequency")(h)
    return keras.Model({"numeric": numeric, "region": region}, mu)


def main():
    numeric, region, claims, exposure = simulate(3000)
    print("share without a claim: %.3f" % float((claims == 0).mean()))
    model = build()
    model.compile(
        optimizer=keras.optimizers.Nadam(1e-3),
        loss=PoissonDeviance(),
        weighted_metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
    )
    hist = model.fit(
        {"numeric": numeric, "region": region}, claims, sample_weight=exposure,
        batch_size=128, epochs=4, validation_split=0.2, verbose=2,
    )
    print(hist.history["loss"])


if __name__ == "__main__":
    main()
