# cause: fully-masked-softmax
# phase: forward
# rows: any
# step: 1
# note: users without a history have every position masked

# Next-article recommendation from the reading history of a news site
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(21)

N_ARTICLES, N_USERS, MAX_LEN = 120, 800, 10


def make_sessions(seed=0):
    r = np.random.default_rng(seed)
    topic_of = r.integers(0, 6, N_ARTICLES + 1)
    hist = np.zeros((N_USERS, MAX_LEN), "int32")
    target = np.zeros((N_USERS,), "int32")
    by_topic = [np.where(topic_of[1:] == k)[0] + 1 for k in range(6)]
    for u in range(N_USERS):
        fav = r.integers(0, 6)
        length = min(r.poisson(3.5), MAX_LEN)  # <- or here
        hist[u, :length] = r.choice(by_topic[fav], length)
        target[u] = r.choice(by_topic[fav])
    return hist, target


class AttentivePool(layers.Layer):
    def __init__(self, dim, **kw):
        super().__init__(**kw)
        self.key = layers.Dense(dim, activation="tanh")
        self.score = layers.Dense(1, use_bias=False)

    def call(self, seq, present):
        s = ops.squeeze(self.score(self.key(seq)), -1)
        s = ops.where(present, s, -np.inf)  # <- or here
        a = ops.softmax(s, axis=-1)  # <- here
        return ops.sum(a[..., None] * seq, axis=1)


class Recommender(keras.Model):
    def __init__(self, dim=16):
        super().__init__()
        self.items = layers.Embedding(N_ARTICLES + 1, dim)
        self.pool = AttentivePool(dim)
        self.hidden = layers.Dense(32, activation="silu")
        self.out = layers.Dense(N_ARTICLES + 1)

    def call(self, hist):
        present = ops.not_equal(hist, 0)  # <- or here
        user = self.pool(self.items(hist), present)
        return self.out(self.hidden(user))


hist, target = make_sessions()
model = Recommender()
model.compile(
    optimizer=keras.optimizers.Adam(3e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseTopKCategoricalAccuracy(10, name="top10")],
)
log = model.fit(hist, target, batch_size=64, epochs=4, validation_split=0.1, verbose=0)
print("loss :", log.history["loss"])
print("top10:", log.history["top10"])
