# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(18)

VOCAB, SEQ_LEN = 40, 12


class SelfAttention(layers.Layer):
    def __init__(self, dim, heads, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.head_dim = heads, dim // heads
        self.qkv = layers.Dense(3 * dim, use_bias=False)
        self.proj = layers.Dense(dim)

    def call(self, x, key_mask):
        b, t = tf.shape(x)[0], x.shape[1]
        qkv = tf.reshape(self.qkv(x), [b, t, 3, self.heads, self.head_dim])
        q, k, v = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4]))
        scores = tf.matmul(q, k, transpose_b=True) * self.head_dim**-0.5
        scores = tf.where(key_mask[:, None, None, :], scores, -1e9)
        weights = tf.nn.softmax(scores, axis=-1)
        out = tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3])
        return self.proj(tf.reshape(out, [b, t, self.heads * self.head_dim]))


def build():
    ids = keras.Input((SEQ_LEN,), dtype="int32")
    is_word = keras.ops.not_equal(ids, 0)
    x = layers.Embedding(VOCAB, 16)(ids)
    x = layers.Add()([x, SelfAttention(16, heads=2)(x, is_word)])
    x = layers.LayerNormalization()(x)
    x = layers.Lambda(lambda h: h[:, 0])(x)
    return keras.Model(ids, layers.Dense(3, activation="softmax")(x))


def load_tickets(n=40):
    rng = np.random.default_rng(26)
    ids = rng.integers(1, VOCAB, size=(n, SEQ_LEN))
    length = rng.integers(3, SEQ_LEN + 1, size=n)
    length[22] = 0  # written in an unknown alphabet
    ids[np.arange(SEQ_LEN) >= length[:, None]] = 0
    return ids.astype("int32"), rng.integers(0, 3, size=n)


x_train, y_train = load_tickets()
model = build()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(x_train, y_train, batch_size=8, epochs=2, shuffle=False, verbose=2)
