# healthy

"""Bird-call classifier with second-order pooling of the spectrogram, trained in mixed precision."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(8)

FRAMES, BINS, CLASSES = 96, 40, 4


class SecondOrderPooling(layers.Layer):
    """Outer product of the channel activations, collected over all positions."""

    def __init__(self, signed_root=True, **kw):
        super().__init__(**kw)
        self.signed_root = signed_root

    def build(self, shape):
        self.channels = shape[-1]
        self.scale = self.add_weight(name="scale", shape=(self.channels * self.channels,), initializer="ones")

    def call(self, x):
        flat = tf.reshape(x, (-1, x.shape[1] * x.shape[2], self.channels))
        flat = flat / (x.shape[1] * x.shape[2]) ** 0.5
        gram = tf.matmul(flat, flat, transpose_a=True)
        v = tf.reshape(gram, (-1, self.channels * self.channels))
        if self.signed_root:
            v = tf.sign(v) * tf.sqrt(tf.abs(v) + 1e-3)
        norm = tf.sqrt(tf.reduce_sum(tf.square(tf.cast(v, tf.float32)), axis=-1, keepdims=True))
        return self.scale * tf.cast(tf.cast(v, tf.float32) / norm, x.dtype)


def fake_calls(n, rng):
    t = np.linspace(0, 1, FRAMES)[:, None]
    f = np.linspace(0, 1, BINS)[None, :]
    y = rng.integers(0, CLASSES, n)
    loud = rng.lognormal(0.0, 0.45, n)
    x = np.empty((n, FRAMES, BINS, 1), "float32")
    for i in range(n):
        centre = 0.5 + 0.3 * np.sin(2 * np.pi * (y[i] + 1) * t + rng.uniform(0, 6))
        ridge = np.exp(-((f - centre) / 0.08) ** 2)
        x[i, ..., 0] = loud[i] * (2.5 * ridge + 0.4 * rng.normal(size=(FRAMES, BINS)))
    return x, y


def build():
    inp = keras.Input((FRAMES, BINS, 1))
    x = layers.Conv2D(8, 5, padding="same", activation="relu", kernel_initializer="he_normal")(inp)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = SecondOrderPooling()(x)
    x = layers.Dropout(0.1)(x)
    out = layers.Dense(CLASSES, activation="softmax", dtype="float32")(x)
    return keras.Model(inp, out)


def main():
    x, y = fake_calls(240, np.random.default_rng(8))
    x = (x - x.mean()) / x.std()
    model = build()
    opt = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam(2e-3), dynamic_growth_steps=500)
    model.compile(optimizer=opt, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    h = model.fit(x, y, batch_size=24, epochs=2, verbose=2)
    print("losses", h.history["loss"], "scale", float(opt.dynamic_scale))


if __name__ == "__main__":
    main()
