# cause: learning-rate-too-high
# phase: forward
# rows: any
# step: any
# note: the exponential decay has a decay_rate above 1 and therefore grows: the rate is 0.02 at the start and above 10 when the loss overflows.

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(99)

SERIES, WINDOW, BATCH = 640, 24, 16


def make_dataset():
    t = np.arange(SERIES + WINDOW + 1, dtype="float32")
    rng = np.random.default_rng(4)
    wave = np.sin(t / 7.0) + 0.5 * np.sin(t / 3.1) + 0.1 * rng.standard_normal(t.shape)
    wave = ((wave - wave.mean()) / wave.std()).astype("float32")
    windows = np.stack([wave[i : i + WINDOW] for i in range(SERIES)])[..., None]
    target = wave[WINDOW : WINDOW + SERIES, None]
    ds = tf.data.Dataset.from_tensor_slices((windows, target))
    return ds.shuffle(SERIES, seed=5).batch(BATCH, drop_remainder=True).prefetch(1)


def make_optimizer(steps_per_epoch):
    schedule = keras.optimizers.schedules.ExponentialDecay(
        initial_learning_rate=0.02,
        decay_steps=steps_per_epoch,
        decay_rate=10.0,  # <- here
    )
    return keras.optimizers.SGD(schedule, momentum=0.9)  # <- or here


inputs = keras.Input((WINDOW, 1))
x = layers.Conv1D(8, 5, activation="relu")(inputs)
x = layers.Conv1D(8, 5, activation="relu")(x)
x = layers.GlobalAveragePooling1D()(x)
forecast = layers.Dense(1)(x)
model = keras.Model(inputs, forecast)

train = make_dataset()
model.compile(optimizer=make_optimizer(len(train)), loss="mean_squared_error")
model.fit(train, epochs=4, verbose=2)
