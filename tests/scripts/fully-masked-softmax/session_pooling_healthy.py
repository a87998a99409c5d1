# healthy

"""Next-item model over shop sessions (attention pooling over the clicked items)."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

VOCAB = 400
MIN_COUNT = 4
keras.utils.set_random_seed(17)


def read_sessions(n=1200):
    rng = np.random.default_rng(17)
    popularity = 1.0 / np.arange(1, VOCAB) ** 1.1
    popularity /= popularity.sum()
    for _ in range(n):
        length = 2 + rng.geometric(0.35)
        yield rng.choice(np.arange(1, VOCAB), size=length, p=popularity).astype("int32")


SESSIONS = list(read_sessions())
COUNTS = np.bincount(np.concatenate(SESSIONS), minlength=VOCAB)


def split_target(items):
    return items[:-1], items[-1]


def drop_rare(history, target):
    frequent = tf.gather(tf.constant(COUNTS), history) >= MIN_COUNT
    return tf.boolean_mask(history, frequent), target


def frequent_target(history, target):
    return tf.gather(tf.constant(COUNTS), target) >= MIN_COUNT


def pipeline(batch=64):
    ds = tf.data.Dataset.from_generator(lambda: iter(SESSIONS), output_signature=tf.TensorSpec([None], tf.int32))
    ds = ds.map(split_target).map(drop_rare).filter(frequent_target)
    return ds.cache().shuffle(1024, seed=5).padded_batch(batch, padded_shapes=([None], [])).prefetch(1)


class AttentionPool(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.hidden = keras.layers.Dense(units, activation="tanh")
        self.score = keras.layers.Dense(1, use_bias=False)

    def call(self, x, present):
        s = tf.squeeze(self.score(self.hidden(x)), -1)
        s = tf.where(present, s, -1e9)
        a = tf.nn.softmax(s, axis=-1)
        return tf.einsum("bt,btd->bd", a, x)


class SessionModel(keras.Model):
    def __init__(self, dim=24):
        super().__init__()
        self.items = keras.layers.Embedding(VOCAB, dim)
        self.pool = AttentionPool(dim)
        self.norm = keras.layers.LayerNormalization()
        self.out = keras.layers.Dense(VOCAB)

    def call(self, history, training=False):
        x = self.items(history)
        return self.out(self.norm(self.pool(x, history > 0)))


if __name__ == "__main__":
    model = SessionModel()
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseTopKCategoricalAccuracy(20, name="hit20")],
        jit_compile=False,
        steps_per_execution=3,
    )
    h = model.fit(pipeline(), epochs=3, verbose=2)
    print(h.history["loss"])
