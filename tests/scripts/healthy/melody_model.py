# healthy

# Next-note model for folk tunes: one attention block in half precision
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(37)
keras.mixed_precision.set_global_policy("mixed_float16")
NOTES, LENGTH, DIM = 24, 12, 16


def tunes(n=320, seed=37):
    r = np.random.default_rng(seed)
    steps = r.choice([-2, -1, 1, 2, 0], (n, LENGTH + 1), p=[0.15, 0.3, 0.3, 0.15, 0.1])
    notes = np.clip(np.cumsum(steps, 1) + 12, 1, NOTES - 1)
    length = r.integers(5, LENGTH + 2, n)
    notes[np.arange(LENGTH + 1)[None, :] >= length[:, None]] = 0
    return notes[:, :-1].astype("int32"), notes[:, 1:].astype("int32")


class CausalAttention(layers.Layer):
    def __init__(self, dim, **kw):
        super().__init__(**kw)
        self.dim = dim
        self.qkv = layers.Dense(3 * dim, use_bias=False)
        self.proj = layers.Dense(dim)
        future = np.triu(np.ones((LENGTH, LENGTH), bool), k=1)
        self.bias = np.where(future, -np.inf, 0.0).astype("float32")

    def call(self, x):
        q, k, v = ops.split(self.qkv(x), 3, axis=-1)
        score = ops.matmul(q, ops.transpose(k, (0, 2, 1))) / self.dim ** 0.5
        score = ops.cast(score, "float32") + self.bias
        weight = ops.cast(ops.softmax(score, axis=-1), v.dtype)
        return self.proj(ops.matmul(weight, v))


def build():
    notes = keras.Input((LENGTH,), dtype="int32")
    place = layers.Embedding(LENGTH, DIM)(ops.arange(LENGTH))
    h = layers.Embedding(NOTES, DIM)(notes) + place
    h = layers.LayerNormalization()(h + CausalAttention(DIM)(h))
    h = layers.LayerNormalization()(h + layers.Dense(DIM)(layers.Dense(32, activation="relu")(h)))
    logits = layers.Dense(NOTES, dtype="float32")(h)
    return keras.Model(notes, logits)


x, y = tunes()
model = build()
model.compile(
    optimizer=keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam(5e-3), initial_scale=2.0**24),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
)
h = model.fit(x, y, epochs=5, batch_size=32, validation_split=0.1, verbose=0)
print("loss", h.history["loss"])
print("val ", h.history["val_loss"])
print("scale", float(model.optimizer.dynamic_scale))
