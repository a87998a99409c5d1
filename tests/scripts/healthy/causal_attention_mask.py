# healthy

"""Character model with one block of causal attention."""
import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1)

TEXT = "the quick brown fox jumps over the lazy dog and runs back to the den again. " * 6
CONTEXT = 16


class CausalAttention(layers.Layer):
    def __init__(self, dim):
        super().__init__()
        self.qkv = layers.Dense(3 * dim, use_bias=False)
        self.scale = dim**-0.5

    def call(self, x, padding):
        q, k, v = ops.split(self.qkv(x), 3, axis=-1)
        scores = ops.einsum("bid,bjd->bij", q, k) * self.scale
        length = x.shape[1]
        future = ops.arange(length)[None, :] > ops.arange(length)[:, None]
        blocked = ops.logical_or(future[None], padding[:, None, :])
        scores = ops.where(blocked, -np.inf, scores)  # the first token is always open
        return ops.matmul(ops.softmax(scores, axis=-1), v)


class CharModel(keras.Model):
    def __init__(self, vocabulary, dim=24):
        super().__init__()
        self.token = layers.Embedding(vocabulary, dim)
        self.position = layers.Embedding(CONTEXT, dim)
        self.attention = CausalAttention(dim)
        self.norm = layers.LayerNormalization()
        self.head = layers.Dense(vocabulary)

    def call(self, tokens):
        x = self.token(tokens) + self.position(ops.arange(CONTEXT))
        x = self.norm(x + self.attention(x, ops.equal(tokens, 0)))
        return self.head(x)


chars = sorted(set(TEXT))
codes = np.array([chars.index(c) + 1 for c in TEXT], "int32")
x = np.stack([codes[i : i + CONTEXT] for i in range(256)])
y = np.stack([codes[i + 1 : i + CONTEXT + 1] for i in range(256)])
for row in range(0, 256, 5):
    x[row, 10:] = 0  # shorter lines are padded at the end

model = CharModel(len(chars) + 1)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0))
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
