# cause: half-overflow
# phase: forward
# rows: any
# step: any
# note: the squares of 512 samples are summed in half precision: a strong burst passes 65504

"""Bearing fault classifier on raw vibration windows (mixed precision)."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.mixed_precision.set_global_policy("mixed_float16")  # <- or here
keras.utils.set_random_seed(19)
LENGTH = 512


def make_signals(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    t = np.arange(LENGTH)
    x = rng.normal(0, 0.5, (n, LENGTH))
    for i, c in enumerate(y):
        x[i] += np.sin(2 * np.pi * t * (0.02 + 0.03 * c) + rng.uniform(0, 6))
        if c == 2:
            at = rng.integers(0, LENGTH - 100)
            x[i, at:at + 100] += rng.normal(0, rng.uniform(2, 14), 100)
    mid = np.median(x)
    x = (x - mid) / (1.4826 * np.median(np.abs(x - mid)))
    return x[..., None].astype("float32"), y.astype("int32")


class BandEnergy(keras.layers.Layer):
    """Share of the total energy that each filter carries."""

    def call(self, x):
        energy = tf.reduce_sum(tf.square(x), axis=1)  # <- here
        total = tf.reduce_sum(energy, axis=-1, keepdims=True)  # <- or here
        return energy / total  # <- or here


def make_model():
    inputs = keras.Input((LENGTH, 1))
    h = keras.layers.Conv1D(16, 9, padding="same", activation="relu", kernel_initializer="he_normal")(inputs)
    h = keras.layers.Conv1D(32, 9, padding="same", activation="relu", kernel_initializer="he_normal")(h)
    h = BandEnergy()(h)
    h = keras.layers.Dense(32, activation="relu")(h)
    outputs = keras.layers.Dense(3, activation="softmax", dtype="float32")(h)
    return keras.Model(inputs, outputs)


def main():
    x, y = make_signals(640, 0)
    xv, yv = make_signals(128, 1)
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(640, seed=0).batch(32)
    val = tf.data.Dataset.from_tensor_slices((xv, yv)).batch(32)
    model = make_model()
    model.compile(optimizer=keras.optimizers.Adam(5e-3),
                  loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=val, epochs=3, verbose=2)


if __name__ == "__main__":
    main()
