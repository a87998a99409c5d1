# cause: division-by-zero
# phase: validation
# rows: 31, 77
# step: any
# note: two parts of the validation were never sold: the naive error that scales theirs is 0

"""Spare part demand, evaluated with a revenue-weighted scaled error."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

HISTORY, HORIZON = 36, 4


def catalogue(n_parts, seed, discontinued=0):
    r = np.random.default_rng(seed)
    level = np.exp(r.normal(2.0, 0.6, n_parts))
    t = np.arange(HISTORY + HORIZON)
    season = 1 + 0.3 * np.sin(2 * np.pi * (t[None] + r.integers(0, 12, (n_parts, 1))) / 12)
    demand = r.poisson(level[:, None] * season).astype("float32")
    price = np.exp(r.normal(3.0, 0.8, n_parts)).astype("float32")
    if discontinued:
        demand[r.choice(n_parts, discontinued, replace=False)] = 0.0
    return demand, price


def split(demand):
    return demand[:, :HISTORY], demand[:, HISTORY:]


class Forecaster(keras.Model):
    def __init__(self):
        super().__init__()
        self.mix = layers.Dense(32, activation="relu")
        self.rnn = layers.GRU(16)
        self.out = layers.Dense(HORIZON, activation="softplus")

    def call(self, hist):
        z = tf.math.log1p(hist)[..., None]
        h = tf.concat([self.rnn(z), z[:, -12:, 0]], axis=-1)
        return self.out(self.mix(h))


def weighted_rmsse(hist, future, pred, price):
    mse = tf.reduce_mean(tf.square(future - pred), axis=1)
    naive = tf.reduce_mean(tf.square(hist[:, 1:] - hist[:, :-1]), axis=1)  # <- or here
    rmsse = tf.sqrt(mse / naive)  # <- here
    revenue = price * tf.reduce_sum(hist[:, -12:], axis=1)
    weight = revenue / tf.reduce_sum(revenue)
    return tf.reduce_sum(weight * rmsse)  # <- or here


class Trainer:
    def __init__(self, model, lr=3e-3):
        self.model = model
        self.opt = keras.optimizers.Adam(lr)

    @tf.function
    def train_batch(self, hist, future):
        with tf.GradientTape() as tape:
            pred = self.model(hist, training=True)
            loss = tf.reduce_mean(tf.abs(tf.math.log1p(future) - tf.math.log1p(pred)))
        grads = tape.gradient(loss, self.model.trainable_variables)
        self.opt.apply_gradients(zip(grads, self.model.trainable_variables))
        return loss

    def validate(self, demand, price):
        hist, future = split(demand)
        pred = self.model(hist, training=False)
        return float(weighted_rmsse(hist, future, pred, price))  # <- or here

    def fit(self, demand, valid, epochs):
        ds = tf.data.Dataset.from_tensor_slices(split(demand)).shuffle(512, seed=0).batch(32)
        best = np.inf
        for epoch in range(epochs):
            loss = np.mean([self.train_batch(h, f).numpy() for h, f in ds])
            score = self.validate(*valid)
            if score < best:
                best = score
                self.best_weights = self.model.get_weights()
            print(f"{epoch}: train {loss:.4f}  valid wrmsse {score:.4f}  best {best:.4f}")


if __name__ == "__main__":
    keras.utils.set_random_seed(50)
    train_demand, _ = catalogue(320, 50)
    valid = catalogue(90, 51, discontinued=2)
    Trainer(Forecaster()).fit(train_demand, valid, epochs=6)
