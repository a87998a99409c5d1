# cause: half-overflow
# phase: forward
# rows: any
# step: any
# note: under mixed_float16 the mask of -1e9 becomes -inf, and a row that is masked altogether is a softmax of nothing

"""Attention over the words of a sentence, in mixed precision, in an eager loop."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(6)
keras.mixed_precision.set_global_policy("mixed_float16")


class Pool(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.score = keras.layers.Dense(1)

    def call(self, words, mask):
        logits = self.score(words)[..., 0]
        logits += (1.0 - tf.cast(mask, logits.dtype)) * tf.constant(-1e9, logits.dtype)  # <- here
        return tf.einsum("bt,btd->bd", tf.nn.softmax(logits), words)


rng = np.random.default_rng(6)
words = rng.normal(size=(160, 12, 16)).astype("float32")
mask = (np.arange(12) < rng.integers(1, 13, 160)[:, None]).astype("float32")
mask[100] = 0.0
labels = (words[:, 0, 0] > 0).astype("float32")[:, None]

pool, head = Pool(), keras.layers.Dense(1, dtype="float32")
optimizer = keras.optimizers.SGD(0.05)
loss_of = keras.losses.BinaryCrossentropy(from_logits=True)
for epoch in range(2):
    for n in range(0, 160, 16):
        part = slice(n, n + 16)
        with tf.GradientTape() as tape:
            loss = loss_of(labels[part], head(pool(words[part], mask[part])))
        variables = pool.trainable_variables + head.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    print(epoch, float(loss))
