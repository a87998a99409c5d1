# healthy

"""Remaining life of hoist ropes: Cox partial likelihood inside train_step."""
import numpy as np
import tensorflow as tf
import keras


def rope_records(n, seed):
    r = np.random.default_rng(seed)
    x = r.normal(0, 1, (n, 6))
    risk = 0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3]
    life = r.exponential(np.exp(-risk))
    censor = r.exponential(0.12, n)
    event = life <= censor
    t = np.minimum(life, censor)
    return x.astype("float32"), np.stack([t, event], 1).astype("float32")


class CoxNet(keras.Model):
    def __init__(self, skip_above=25.0):
        super().__init__()
        self.h1 = keras.layers.Dense(32, activation="relu")
        self.h2 = keras.layers.Dense(16, activation="relu")
        self.out = keras.layers.Dense(1, use_bias=False)
        self.skip_above = skip_above
        self.nll = keras.metrics.Mean(name="nll")
        self.skipped = keras.metrics.Sum(name="skipped")
        self.no_event = keras.metrics.Sum(name="no_event")

    @property
    def metrics(self):
        return [self.nll, self.skipped, self.no_event]

    def call(self, x, training=False):
        return self.out(self.h2(self.h1(x)))[:, 0]

    def partial_likelihood(self, surv, eta):
        order = tf.argsort(surv[:, 0], direction="DESCENDING")
        event = tf.gather(surv[:, 1], order)
        eta = tf.gather(eta, order)
        at_risk = tf.math.cumulative_logsumexp(eta)
        events = tf.reduce_sum(event)
        return tf.math.divide_no_nan(tf.reduce_sum(event * (at_risk - eta)), events), events

    def train_step(self, data):
        x, surv = data
        with tf.GradientTape() as tape:
            loss, events = self.partial_likelihood(surv, self(x, training=True))
        grads = tape.gradient(loss, self.trainable_variables)
        norm = tf.linalg.global_norm(grads)
        keep = tf.math.is_finite(norm) & (norm < self.skip_above) & (events > 0)
        grads = [tf.where(keep, g, tf.zeros_like(g)) for g in grads]
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.nll.update_state(loss)
        self.skipped.update_state(1.0 - tf.cast(keep, tf.float32))
        self.no_event.update_state(tf.cast(events < 1, tf.float32))
        return {m.name: m.result() for m in self.metrics}


if __name__ == "__main__":
    keras.utils.set_random_seed(37)
    x, surv = rope_records(900, 37)
    x[::211] *= 40.0
    schedule = keras.optimizers.schedules.CosineDecayRestarts(0.03, first_decay_steps=120)
    model = CoxNet()
    model.compile(optimizer=keras.optimizers.Adam(schedule))
    hist = model.fit(x, surv, batch_size=12, epochs=8, verbose=0)
    for i, row in enumerate(zip(*hist.history.values())):
        print(i, dict(zip(hist.history, np.round(row, 4))))
