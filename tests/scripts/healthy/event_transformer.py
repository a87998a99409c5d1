# healthy

"""Small transformer over event sequences; custom train_step with restarts and guarded updates."""
import math

import numpy as np
import tensorflow as tf
import keras
from keras import layers, ops

keras.utils.set_random_seed(77)
T, V, D = 12, 30, 32


def events(n=900):
    rng = np.random.default_rng(77)
    seq = rng.integers(1, V, size=(n, T))
    length = rng.integers(0, T + 1, size=n)
    seq[np.arange(T)[None, :] >= length[:, None]] = 0
    gap = rng.exponential(2.0, size=(n, T)) * (seq > 0)
    score = (np.sin(seq) * np.exp(-gap / 4) * (seq > 0)).sum(1) / np.maximum(length, 1)
    score[rng.random(n) < 0.02] = np.inf
    return seq.astype("int32"), gap.astype("float32"), score.astype("float32")


class MaskedAttention(layers.Layer):
    def __init__(self, dim, **kw):
        super().__init__(**kw)
        self.q, self.k, self.v = (layers.Dense(dim, use_bias=False) for _ in range(3))
        self.dim = dim

    def call(self, x, keep):
        logits = tf.matmul(self.q(x), self.k(x), transpose_b=True) / math.sqrt(self.dim)
        logits = tf.where(keep[:, None, :], logits, float("-inf"))
        return tf.matmul(tf.nn.softmax(logits, axis=-1), self.v(x))


class EventModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Embedding(V, D)
        self.cls = self.add_weight(name="cls", shape=(1, 1, D), initializer="zeros")
        self.att = MaskedAttention(D)
        self.norm = layers.LayerNormalization()
        self.head = keras.Sequential([layers.Dense(D, activation="gelu"), layers.Dense(1)])
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.skipped = keras.metrics.Sum(name="skipped")

    @property
    def metrics(self):
        return [self.loss_mean, self.skipped]

    def call(self, inputs, training=False):
        seq, gap = inputs
        x = self.embed(seq) * tf.exp(-gap / 4.0)[..., None]
        cls = tf.repeat(ops.convert_to_tensor(self.cls), tf.shape(seq)[0], axis=0)
        x = tf.concat([cls, x], axis=1)
        keep = tf.concat([tf.ones_like(seq[:, :1], tf.bool), seq > 0], axis=1)
        x = self.norm(x + self.att(x, keep))
        return self.head(x[:, 0])[:, 0]

    def train_step(self, data):
        inputs, y = data
        with tf.GradientTape() as tape:
            error = self(inputs, training=True) - y
            loss = tf.reduce_mean(tf.square(error))
        grads = tape.gradient(loss, self.trainable_variables)
        grads = [tf.convert_to_tensor(g) for g in grads]
        norm = tf.linalg.global_norm(grads)
        ok = tf.cast(tf.math.is_finite(norm), tf.float32)
        factor = tf.minimum(1.0, 1.0 / tf.maximum(norm, 1e-6))
        self.optimizer.apply_gradients(
            (tf.where(ok > 0, g * factor, tf.zeros_like(g)), v) for g, v in zip(grads, self.trainable_variables))
        self.loss_mean.update_state(loss)
        self.skipped.update_state(1.0 - ok)
        return {m.name: m.result() for m in self.metrics}


seq, gap, score = events()
ds = tf.data.Dataset.from_tensor_slices(((seq, gap), score))
ds = ds.filter(lambda x, y: tf.math.is_finite(y)).shuffle(900, seed=7).batch(50)
rate = keras.optimizers.schedules.CosineDecayRestarts(0.5, first_decay_steps=36, alpha=1e-3, m_mul=0.3)
model = EventModel()
model.compile(optimizer=keras.optimizers.SGD(rate, momentum=0.9), jit_compile=False)
out = model.fit(ds, epochs=8, verbose=0)
print("loss", np.round(out.history["loss"], 4), "skipped", out.history["skipped"])
