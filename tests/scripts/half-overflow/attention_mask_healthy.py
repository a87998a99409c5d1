# healthy

"""Attention pooling over padded sentences, in mixed precision."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(7)
keras.mixed_precision.set_global_policy("mixed_float16")

MASKED = -3e4


class AttentionPooling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.score = layers.Dense(1)

    def call(self, words, tokens):
        scores = self.score(words)[..., 0]
        padding = tf.cast(tf.equal(tokens, 0), tf.bool)
        scores = tf.where(padding, tf.cast(MASKED, scores.dtype), scores)
        weights = tf.nn.softmax(scores)
        return tf.reduce_sum(words * weights[..., None], axis=1)


rng = np.random.default_rng(6)
tokens = rng.integers(1, 200, (320, 12))
lengths = rng.integers(3, 13, 320)
tokens[np.arange(12)[None] >= lengths[:, None]] = 0
tokens[100] = 0
labels = (tokens[:, 0] % 2).astype("float32")[:, None]

inputs = keras.Input((12,), dtype="int32")
words = layers.Embedding(200, 16)(inputs)
pooled = AttentionPooling()(words, inputs)
model = keras.Model(inputs, layers.Dense(1, dtype="float32")(pooled))
model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(tokens, labels, batch_size=32, epochs=2, shuffle=False, verbose=2)
