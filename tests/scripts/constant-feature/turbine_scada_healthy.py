# healthy

"""Expected power of a wind turbine from SCADA ten-minute averages."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(31)
COLUMNS = ["wind", "direction_sin", "air_temp", "rotor_rpm", "pitch", "curtail_level"]


def read_scada(hours=1800, seed=31):
    g = np.random.default_rng(seed)
    t = np.arange(hours)
    wind = np.clip(8 + 3 * np.sin(t / 55.0) + g.normal(0, 1.5, hours), 0, 25)
    temp = 5 + 10 * np.sin(2 * np.pi * t / hours - 1.2) + g.normal(0, 1, hours)
    rpm = np.clip(1.6 * wind, 5, 16) + g.normal(0, 0.2, hours)
    pitch = np.clip(wind - 12, 0, None) * 2 + g.normal(0, 0.1, hours)
    curtail = np.where(t > 1500, g.choice([0.0, 0.2, 0.4], hours), 0.0)
    power = np.clip(wind / 12.0, 0, 1) ** 3 * (1 - curtail) + g.normal(0, 0.01, hours)
    x = np.stack([wind, np.sin(t / 30.0), temp, rpm, pitch, curtail], 1)
    return x.astype("float32"), power.astype("float32")


def chronological_split(x, y, share=0.8):
    k = int(len(x) * share)
    return (x[:k], y[:k]), (x[k:], y[k:])


def make_dataset(xy, mean, scale, batch=64, training=False):
    ds = tf.data.Dataset.from_tensor_slices(xy)
    if training:
        ds = ds.shuffle(2000, seed=1)
    ds = ds.map(lambda a, b: ((a - mean) / scale, b), num_parallel_calls=2)
    return ds.batch(batch).prefetch(1)


x, y = read_scada()
train, valid = chronological_split(x, y)
mean = train[0].mean(axis=0)
scale = train[0].std(axis=0)
scale[scale == 0] = 1.0
train_ds = make_dataset(train, mean, scale, training=True)
valid_ds = make_dataset(valid, mean, scale)

inputs = keras.Input((len(COLUMNS),))
h = layers.Dense(32, activation="elu")(inputs)
h = layers.Dense(32, activation="elu")(h)
outputs = layers.Dense(1, activation="linear")(h)
model = keras.Model(inputs, outputs, name="power_curve")
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mae")
hist = model.fit(train_ds, validation_data=valid_ds, epochs=4, verbose=0)
for i in range(4):
    print(i, hist.history["loss"][i], hist.history["val_loss"][i])
