# cause: constant-feature
# phase: forward
# rows: 0
# step: 4
# note: one clip is digital silence, its spectrogram has max equal to min, so the min-max scaling inside the model is 0/0

import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(99)

CLIPS, FRAMES, BINS, BATCH = 60, 20, 12, 10


def rescale(spec):
    low = tf.reduce_min(spec, axis=[1, 2], keepdims=True)
    high = tf.reduce_max(spec, axis=[1, 2], keepdims=True)
    return tf.math.divide(  # <- here
        spec - low,
        high - low,
    )


class KeywordSpotter(keras.Model):
    def __init__(self, n_words):
        super().__init__()
        self.conv = keras.layers.Conv1D(16, 3, activation="relu")
        self.pool = keras.layers.GlobalMaxPooling1D()
        self.head = keras.layers.Dense(n_words)

    def call(self, waveform_power, training=False):
        spec = tf.math.log(waveform_power + 1e-6)
        spec = rescale(spec)
        h = self.conv(spec)
        return self.head(self.pool(h))


rng = np.random.default_rng(1)
power = rng.gamma(2.0, 1.0, size=(CLIPS, FRAMES, BINS)).astype("float32")
words = rng.integers(0, 4, size=CLIPS)
power[np.arange(CLIPS), :, words] += 5.0
power[30] = 0.0

spotter = KeywordSpotter(n_words=4)
spotter.compile(
    optimizer="rmsprop",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
)
spotter.fit(power, words, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
