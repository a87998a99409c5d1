# healthy

# Label distribution learning: the age of a sample is a small gaussian over age bins.
import numpy as np
import keras
import tensorflow as tf
from keras import layers, ops

SEED = 11
AGES = np.arange(0, 60)
SIGMA = 1.5


def make_people(n, rng):
    age = rng.integers(3, 57, size=n)
    basis = rng.normal(size=(4, 24))
    t = age[:, None] / 60.0
    feats = np.concatenate([t, t ** 2, np.sin(5 * t), np.cos(5 * t)], axis=1) @ basis
    feats += rng.normal(scale=0.1, size=feats.shape)
    return feats.astype("float32"), age.astype("float32")


def to_distribution(x, age):
    bins = tf.constant(AGES, tf.float32)
    d = tf.exp(-0.5 * tf.square((bins - age) / SIGMA))
    d = tf.where(d > 1e-4, d, tf.zeros_like(d))
    return x, (d / tf.reduce_sum(d), age)


def kl_divergence(target, estimate):
    """KL(target || estimate) for rows of probabilities."""
    return tf.reduce_sum(tf.math.xlogy(target, target) - target * tf.math.log(estimate), axis=-1)


class AgeNet(keras.Model):
    def __init__(self, hidden=48, l1=0.05, **kw):
        super().__init__(**kw)
        self.body = keras.Sequential([
            layers.Dense(hidden, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(hidden, activation="relu"),
        ])
        self.head = layers.Dense(len(AGES), activation="softmax")
        self.l1 = l1
        self.m_loss = keras.metrics.Mean(name="loss")
        self.m_mae = keras.metrics.Mean(name="mae")

    @property
    def metrics(self):
        return [self.m_loss, self.m_mae]

    def call(self, x, training=None):
        return self.head(self.body(x, training=training))

    def expected_age(self, probs):
        return ops.sum(probs * AGES.astype("float32"), axis=-1)

    def compute_terms(self, probs, dist, age):
        div = tf.reduce_mean(kl_divergence(dist, probs))
        mae = tf.reduce_mean(tf.abs(self.expected_age(probs) - age))
        return div, mae

    def train_step(self, batch):
        x, (dist, age) = batch
        with tf.GradientTape() as tape:
            probs = self(x, training=True)
            div, mae = self.compute_terms(probs, dist, age)
            loss = div + self.l1 * mae
        g = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(g, self.trainable_weights)
        self.m_loss.update_state(loss)
        self.m_mae.update_state(mae)
        return {m.name: m.result() for m in self.metrics}


def run():
    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    x, age = make_people(1500, rng)
    ds = (tf.data.Dataset.from_tensor_slices((x, age))
          .map(to_distribution, num_parallel_calls=2)
          .shuffle(1500, seed=SEED)
          .batch(64)
          .prefetch(1))
    net = AgeNet()
    net.compile(optimizer=keras.optimizers.AdamW(2e-3))
    h = net.fit(ds, epochs=5, verbose=0)
    print(h.history)


run()
