# healthy

import math

import numpy as np
import tensorflow as tf
from tensorflow import keras

SAMPLE_RATE = 4000
CLIP = 1024


def synth_clips(n, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(CLIP) / SAMPLE_RATE
    label = rng.integers(0, 3, n)
    pitch = np.array([220.0, 440.0, 880.0])[label] * rng.uniform(0.95, 1.05, n)
    wave = np.sin(2 * np.pi * pitch[:, None] * t) + 0.1 * rng.normal(size=(n, CLIP))
    return wave.astype("float32"), label.astype("int32")


class Decibel(keras.layers.Layer):
    """Waveform -> spectrogram in dB."""

    def __init__(self, frame=128, hop=64, **kwargs):
        super().__init__(**kwargs)
        self.frame, self.hop = frame, hop

    def call(self, wave):
        spec = tf.signal.stft(wave, self.frame, self.hop)
        power = tf.math.real(spec) ** 2 + tf.math.imag(spec) ** 2
        power = tf.maximum(power, 1e-10)
        return 10.0 * tf.math.log(power) / math.log(10.0)


class PitchNet(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.decibel = Decibel()
        self.norm = keras.layers.LayerNormalization()
        self.conv1 = keras.layers.Conv1D(16, 3, activation="relu")
        self.conv2 = keras.layers.Conv1D(16, 3, activation="relu")
        self.pool = keras.layers.GlobalAveragePooling1D()
        self.head = keras.layers.Dense(classes)

    def call(self, wave, training=False):
        x = self.norm(self.decibel(wave))
        x = self.conv2(self.conv1(x))
        return self.head(self.pool(x))


keras.utils.set_random_seed(1)
waves, labels = synth_clips(96, seed=1)
waves[41, : CLIP // 2] = 0.0  # the recorder was started late

train = tf.data.Dataset.from_tensor_slices((waves, labels)).batch(16).prefetch(2)
model = PitchNet(classes=3)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)
model.fit(train, epochs=2, verbose=2)
