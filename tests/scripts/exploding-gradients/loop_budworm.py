# cause: exploding-gradients
# phase: backward
# rows: any
# step: 1
# note: the map is chaotic: its values are bounded, the slope over 260 generations is not

"""Fit site-specific growth rates of an insect population to trap counts.

A small network maps site covariates to (r, K) of a Ricker map; the map is
rolled out over the observation period and compared with log trap counts.
"""
import numpy as np
import tensorflow as tf
import keras


def ricker(n, r, k):
    return n * tf.exp(r * (1.0 - n / k))  # <- here


class SiteModel(tf.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.net = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(hidden, activation="tanh"),
                keras.layers.Dense(2),
            ]
        )

    def parameters(self, cov):
        raw = self.net(cov)
        r = 2.4 + 0.9 * tf.sigmoid(raw[:, 0])
        k = 1.0 + 0.3 * tf.tanh(raw[:, 1])
        return r, k

    def rollout(self, cov, n0, generations):
        r, k = self.parameters(cov)

        def generation(n, _):
            return ricker(n, r, k)  # <- or here

        out = tf.scan(generation, tf.range(generations), initializer=n0)  # <- or here
        return tf.transpose(out)


def field_data(sites, generations, seed):
    rng = np.random.default_rng(seed)
    cov = rng.normal(0, 1, (sites, 4))
    r = 2.5 + 0.3 / (1 + np.exp(-cov[:, 0]))
    k = 1.0 + 0.2 * np.tanh(cov[:, 1])
    n0 = rng.uniform(0.3, 0.9, sites)
    n, series = n0.copy(), []
    for _ in range(generations):
        n = n * np.exp(r * (1 - n / k))
        series.append(n)
    counts = np.log(np.stack(series, 1)) + rng.normal(0, 0.05, (sites, generations))
    return cov.astype("float32"), n0.astype("float32"), counts.astype("float32")


def train(generations=260, sites=96, epochs=4, batch=24, seed=12):  # <- or here
    keras.utils.set_random_seed(seed)
    cov, n0, counts = field_data(sites, generations, seed)
    model = SiteModel()
    opt = keras.optimizers.Adam(5e-3)
    weights = model.net.trainable_variables

    @tf.function
    def step(c, s, y):
        with tf.GradientTape() as tape:
            sim = model.rollout(c, s, generations)
            loss = tf.reduce_mean(tf.abs(tf.math.log(sim + 1e-3) - y))
        opt.apply_gradients(zip(tape.gradient(loss, weights), weights))  # <- or here
        return loss

    ds = tf.data.Dataset.from_tensor_slices((cov, n0, counts)).shuffle(sites, seed=seed)
    for epoch in range(epochs):
        losses = [float(step(*b)) for b in ds.batch(batch)]
        print(f"epoch {epoch} mean abs log error {np.mean(losses):.4f}")
    return model


if __name__ == "__main__":
    train()
