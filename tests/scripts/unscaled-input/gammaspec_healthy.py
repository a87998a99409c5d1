# healthy

import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(2024)
CHANNELS = 256


def simulate_spectrum(rng, activity, live_time):
    """Counts per channel of a NaI detector, Cs-137 + K-40 + continuum."""
    ch = np.arange(CHANNELS)
    cs = np.exp(-0.5 * ((ch - 88) / 4.5) ** 2)
    k40 = 0.12 * np.exp(-0.5 * ((ch - 195) / 7.0) ** 2)
    compton = 0.35 / (1 + np.exp((ch - 62) / 3.0))
    background = 1.8 * np.exp(-ch / 55.0) + 0.05
    rate = activity * (cs + compton) + k40 + background
    return rng.poisson(rate * live_time)


def make_records(n):
    rng = np.random.default_rng(77)
    log_act = rng.normal(0.0, 0.8, n)
    live = rng.choice([300.0, 600.0, 900.0], n)
    spectra = np.stack(
        [simulate_spectrum(rng, np.exp(a), t) for a, t in zip(log_act, live)]
    )
    target = (log_act - log_act.mean()) / log_act.std()
    spectra = (spectra - spectra.mean(0)) / spectra.std(0)
    return spectra.astype("float32"), target.astype("float32")


class SpectrumNet(keras.Model):
    def __init__(self, width=16, **kw):
        super().__init__(**kw)
        self.expand = keras.layers.Reshape((CHANNELS, 1))
        self.conv1 = keras.layers.Conv1D(width, 9, strides=4, padding="same", activation="leaky_relu")
        self.conv2 = keras.layers.Conv1D(width, 5, strides=4, padding="same", activation="leaky_relu")
        self.flat = keras.layers.Flatten()
        self.drop = keras.layers.Dropout(0.2)
        self.head = keras.layers.Dense(1)

    def call(self, counts, training=False):
        x = self.conv1(self.expand(counts))
        x = self.flat(self.conv2(x))
        return self.head(self.drop(x, training=training))


spectra, target = make_records(1200)
print("spectra", spectra.shape, "target mean/std", target.mean(), target.std())

train = (
    tf.data.Dataset.from_tensor_slices((spectra[:1000], target[:1000, None]))
    .shuffle(1000, seed=4)
    .batch(32)
    .prefetch(tf.data.AUTOTUNE)
)
test = tf.data.Dataset.from_tensor_slices((spectra[1000:], target[1000:, None])).batch(64)

net = SpectrumNet()
net.compile(
    optimizer=keras.optimizers.SGD(0.01),
    loss=keras.losses.MeanSquaredError(),
    metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
)
log = net.fit(
    train,
    epochs=3,
    validation_data=test,
    callbacks=[keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5)],
    verbose=2,
)
print({k: v[-1] for k, v in log.history.items()})
