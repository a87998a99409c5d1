# healthy

import numpy as np
import tensorflow as tf
import keras

BATCH_SIZE = 20
CLIP_SAMPLES = 256
AUTOTUNE = tf.data.AUTOTUNE


def load_clips(n=400, seed=3):
    """int16 mono clips of three machine states."""
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 3, n)
    t = np.arange(CLIP_SAMPLES)
    tone = np.sin(2 * np.pi * t[None] * (0.02 + 0.03 * state[:, None]))
    gain = rng.uniform(500, 20000, (n, 1))
    clips = gain * (tone + 0.1 * rng.normal(size=tone.shape))
    clips[[147, 152]] = 0.0  # microphone was muted
    return clips.astype("int16"), state.astype("int32")


def peak_normalise(clip, label):
    wave = tf.cast(clip, tf.float32)
    wave = wave / tf.maximum(tf.reduce_max(tf.abs(wave)), 1.0)
    return wave[:, tf.newaxis], label


def make_dataset(clips, labels):
    return (
        tf.data.Dataset.from_tensor_slices((clips, labels))
        .map(peak_normalise, num_parallel_calls=AUTOTUNE)
        .batch(BATCH_SIZE, drop_remainder=True)
        .prefetch(AUTOTUNE)
    )


def make_classifier():
    return keras.Sequential(
        [
            keras.Input((CLIP_SAMPLES, 1)),
            keras.layers.Conv1D(8, 16, strides=8, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(3),
        ]
    )


if __name__ == "__main__":
    keras.utils.set_random_seed(3)
    train_ds = make_dataset(*load_clips())
    classifier = make_classifier()
    classifier.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.fit(train_ds, epochs=2, verbose=2)
