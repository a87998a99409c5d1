# cause: no-valid-pair
# phase: forward
# rows: 0-6
# step: 20
# note: five pages of results have one grade only: no document is better than another, 0/0 over the pairs

"""Pairwise learning-to-rank: one batch = the result page of one query."""
import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(21)
rng = np.random.default_rng(21)

N_QUERIES, DIM = 160, 12


def pages():
    w = rng.normal(size=DIM)
    for q in range(N_QUERIES):
        n = int(rng.integers(5, 14))
        docs = rng.normal(size=(n, DIM))
        quality = docs @ w * 0.4 + rng.normal(scale=0.8, size=n) + 0.3
        grade = np.clip(np.floor(quality), 0, 3)
        yield docs.astype("float32"), grade.astype("float32")


PAGES = list(pages())
print('judged documents', sum(len(g) for _, g in PAGES))


def dataset(items):
    spec = (tf.TensorSpec([None, DIM], tf.float32), tf.TensorSpec([None], tf.float32))
    return tf.data.Dataset.from_generator(lambda: iter(items), output_signature=spec)


class Ranker(keras.Model):
    def __init__(self, scorer, sigma=1.0):
        super().__init__()
        self.scorer = scorer
        self.sigma = sigma
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.pair_acc = keras.metrics.Mean(name="pair_acc")

    @property
    def metrics(self):
        return [self.loss_mean, self.pair_acc]

    def call(self, docs, training=None):
        return tf.squeeze(self.scorer(docs, training=training), -1)

    def pairwise(self, scores, grades):
        diff = scores[:, None] - scores[None, :]
        better = tf.cast(grades[:, None] > grades[None, :], tf.float32)
        gain = tf.abs(2.0 ** grades[:, None] - 2.0 ** grades[None, :])
        cost = tf.nn.softplus(-self.sigma * diff) * gain * better
        loss = tf.reduce_sum(cost) / tf.reduce_sum(better)  # <- here
        hits = tf.boolean_mask(tf.cast(diff > 0, tf.float32), better > 0)
        return loss, hits

    def train_step(self, data):
        docs, grades = data
        with tf.GradientTape() as tape:
            scores = self(docs, training=True)
            loss, hits = self.pairwise(scores, grades)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_mean.update_state(loss)
        self.pair_acc.update_state(hits)
        return {"loss": self.loss_mean.result(), "pair_acc": self.pair_acc.result()}


scorer = keras.Sequential([
    keras.layers.Dense(24, activation="tanh"),
    keras.layers.Dense(12, activation="tanh"),
    keras.layers.Dense(1),
])
ranker = Ranker(scorer)
ranker.compile(optimizer=keras.optimizers.Adam(3e-3), jit_compile=False)
history = ranker.fit(dataset(PAGES).shuffle(N_QUERIES, seed=4), epochs=4, verbose=0)
print("loss", history.history["loss"])
print("pair accuracy", history.history["pair_acc"])
