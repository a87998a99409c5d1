# healthy

"""Lead uptake in lettuce from concentrations of metals in garden soil."""
import numpy as np
import keras
from keras import layers, ops


class PowerTransform(layers.Layer):
    """One trainable Box-Cox exponent per column, starting at the logarithm."""

    def __init__(self, near=1e-4, **kwargs):
        super().__init__(**kwargs)
        self.near = near

    def build(self, input_shape):
        self.lam = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="lam"
        )

    def call(self, x):
        is_log = ops.abs(self.lam) < self.near
        lam = ops.where(is_log, 1.0, self.lam)
        power = (ops.power(x, lam) - 1.0) / lam
        return ops.where(is_log, ops.log(x), power)


def survey(n=600, seed=2):
    r = np.random.default_rng(seed)
    metals = r.lognormal(mean=[3.2, 1.1, 4.0, 2.2], sigma=[0.7, 0.5, 0.6, 0.4], size=(n, 4))
    ph = r.normal(6.3, 0.5, (n, 1))
    uptake = 0.5 * np.log(metals[:, 0]) - 0.2 * np.log(metals[:, 2]) - 0.6 * (ph[:, 0] - 6.3)
    uptake += r.normal(0, 0.1, n)
    return metals.astype("float32"), (ph - 6.3).astype("float32"), uptake.astype("float32")


def make_model():
    metals = keras.Input((4,), name="metals")
    ph = keras.Input((1,), name="ph")
    z = PowerTransform()(metals)
    z = layers.BatchNormalization()(z)
    z = layers.Concatenate()([z, ph])
    z = layers.Dense(24, activation="gelu")(z)
    z = layers.Dense(12, activation="gelu")(z)
    return keras.Model([metals, ph], layers.Dense(1)(z))


if __name__ == "__main__":
    keras.utils.set_random_seed(2)
    metals, ph, uptake = survey()
    assert np.all(metals > 0)
    model = make_model()
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
    out = model.fit([metals, ph], uptake, epochs=5, batch_size=50,
                    validation_split=0.15, verbose=0)
    for e, (a, b) in enumerate(zip(out.history["loss"], out.history["val_loss"]), 1):
        print(f"{e:2d}  {a:.4f}  {b:.4f}")
