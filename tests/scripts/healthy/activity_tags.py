# healthy

"""Tagging of wearable recordings. Most frames are unlabelled (-1), some sensors drop out (NaN)."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

SEED, CLASSES, CHANNELS, VOID = 12, 4, 6, -1
keras.utils.set_random_seed(SEED)


def recordings(n=320):
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(3, CHANNELS))
    for i in range(n):
        length = int(rng.integers(4, 20))
        tags = np.repeat(rng.integers(0, 3, size=length // 4 + 1), 4)[:length]
        x = centres[tags] + rng.normal(scale=0.5, size=(length, CHANNELS))
        x[rng.random(x.shape) < 0.05] = np.nan
        if rng.random() < 0.04:
            x[:] = np.nan
        labelled = rng.random(length) < 0.35
        if i >= 240:
            labelled[:] = False
        yield x.astype("float32"), np.where(labelled, tags, VOID).astype("int32")


def usable(x, tags):
    return tf.reduce_any(tf.math.is_finite(x))


def impute(x, tags):
    seen = tf.math.is_finite(x)
    filled = tf.where(seen, x, tf.zeros_like(x))
    count = tf.reduce_sum(tf.cast(seen, tf.float32), axis=0)
    mean = tf.math.divide_no_nan(tf.reduce_sum(filled, axis=0), count)
    return tf.where(seen, x, mean[None, :]), tags


def pipeline(items):
    spec = (tf.TensorSpec([None, CHANNELS], tf.float32), tf.TensorSpec([None], tf.int32))
    ds = tf.data.Dataset.from_generator(lambda: iter(items), output_signature=spec)
    ds = ds.filter(usable).map(impute)
    return ds.padded_batch(16, padded_shapes=([None, CHANNELS], [None]), padding_values=(0.0, VOID))


def void_crossentropy(y_true, y_pred):
    tags = tf.cast(y_true, tf.int32)
    valid = tf.cast(tags != VOID, y_pred.dtype)
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(tags, 0), logits=y_pred)
    return tf.reduce_sum(ce * valid) / tf.maximum(tf.reduce_sum(valid), 1.0)


class ClassRecall(keras.metrics.Metric):
    def __init__(self, index, **kwargs):
        super().__init__(name=f"recall_{index}", **kwargs)
        self.index = index
        self.hit = self.add_weight(name="hit", initializer="zeros")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_class = tf.cast(y_true, tf.int64) == self.index
        found = is_class & (tf.argmax(y_pred, -1) == self.index)
        self.hit.assign_add(tf.reduce_sum(tf.cast(found, tf.float32)))
        self.total.assign_add(tf.reduce_sum(tf.cast(is_class, tf.float32)))

    def result(self):
        return self.hit / self.total


inp = keras.Input((None, CHANNELS))
x = layers.Conv1D(24, 3, padding="same", activation="relu")(inp)
x = layers.GRU(24, return_sequences=True)(x)
model = keras.Model(inp, layers.Dense(CLASSES)(x))
model.compile("adam", loss=void_crossentropy, metrics=[ClassRecall(0), ClassRecall(3)], jit_compile=False)

data = list(recordings())
hist = model.fit(pipeline(data), epochs=4, verbose=2)
print(hist.history["loss"])
print("weights finite", all(np.isfinite(w).all() for w in model.get_weights()))
