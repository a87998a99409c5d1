# cause: nonfinite-input
# phase: data
# rows: 14
# step: 6
# note: noise pushes a few detector counts below the dark current, so the absorbance takes the log of a negative number.

"""Predict analyte concentration from simulated UV-Vis spectra."""

import numpy as np
import keras
from keras import layers

SEED = 11
N_SPECTRA, N_WAVELENGTHS = 240, 48
DARK, LAMP, READ_NOISE = 100.0, 2000.0, 9.0


def simulate_counts(rng):
    wavelength = np.linspace(0.0, 1.0, N_WAVELENGTHS)
    band = np.exp(-0.5 * ((wavelength - 0.45) / 0.08) ** 2)
    conc = rng.uniform(0.0, 2.4, size=N_SPECTRA)
    transmitted = LAMP * 10.0 ** (-conc[:, None] * band)
    counts = DARK + transmitted + rng.normal(0.0, READ_NOISE, size=transmitted.shape)
    return counts, conc


def absorbance(counts):
    """Beer-Lambert: A = -log10((I - dark) / (I0 - dark))."""
    signal = counts - DARK
    transmittance = signal / LAMP
    return -np.log10(transmittance)  # <- here


def build_model():
    inputs = keras.Input((N_WAVELENGTHS, 1), name="spectrum")
    x = layers.Conv1D(8, 5, activation="relu", padding="same")(inputs)
    x = layers.MaxPooling1D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(16, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(1, name="concentration")(x))


def main():
    keras.utils.set_random_seed(SEED)
    counts, conc = simulate_counts(np.random.default_rng(SEED))
    spectra = absorbance(counts)[..., None].astype("float32")
    target = conc.astype("float32")

    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mae")
    model.fit(  # <- or here
        x=spectra,
        y=target,
        batch_size=24,
        epochs=3,
        shuffle=False,
        verbose=2,
    )


if __name__ == "__main__":
    main()
