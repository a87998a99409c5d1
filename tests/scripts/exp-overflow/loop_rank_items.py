# cause: exp-overflow
# phase: forward
# rows: any
# step: any
# note: a pair ranked the wrong way has a margin of -90 at this temperature, and exp(90) is too much; softplus is not written so

"""Pairwise ranking of products from click logs."""
import numpy as np
import tensorflow as tf


def make_clicks(n_users=60, n_items=80, n=6000, seed=3):
    rng = np.random.default_rng(seed)
    u_lat = rng.normal(size=(n_users, 6))
    i_lat = rng.normal(size=(n_items, 6))
    users = rng.integers(0, n_users, n)
    a = rng.integers(0, n_items, n)
    b = rng.integers(0, n_items, n)
    gap = (u_lat[users] * (i_lat[a] - i_lat[b])).sum(1)
    flip = gap + rng.normal(scale=2.5, size=n) < 0
    pos = np.where(flip, b, a)
    neg = np.where(flip, a, b)
    return users.astype("int32"), pos.astype("int32"), neg.astype("int32")


class TwoTower(tf.keras.Model):
    def __init__(self, n_users, n_items, dim, temperature):
        super().__init__()
        init = tf.keras.initializers.RandomNormal(stddev=0.35)
        self.user = tf.keras.layers.Embedding(n_users, dim, embeddings_initializer=init)
        self.item = tf.keras.layers.Embedding(n_items, dim, embeddings_initializer=init)
        self.temperature = temperature

    def call(self, inputs):
        u, i = inputs
        dot = tf.reduce_sum(self.user(u) * self.item(i), axis=-1)
        return dot / self.temperature


def pairwise_loss(pos_score, neg_score):
    margin = pos_score - neg_score
    return tf.reduce_mean(tf.math.log(1.0 + tf.exp(-margin)))  # <- here


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.opt = tf.keras.optimizers.Adam(lr)
        self.history = []

    @tf.function
    def step(self, u, p, n):
        with tf.GradientTape() as tape:
            loss = pairwise_loss(self.model((u, p)), self.model((u, n)))
        grads = tape.gradient(loss, self.model.trainable_variables)
        self.opt.apply_gradients(zip(grads, self.model.trainable_variables))
        return loss

    def run(self, ds, epochs):
        for epoch in range(epochs):
            total, count = 0.0, 0
            for u, p, n in ds:
                total += float(self.step(u, p, n))
                count += 1
            self.history.append(total / count)
            print(f"epoch {epoch + 1}: loss={self.history[-1]:.4f}")


def main():
    tf.keras.utils.set_random_seed(11)
    users, pos, neg = make_clicks()
    ds = tf.data.Dataset.from_tensor_slices((users, pos, neg))
    ds = ds.shuffle(6000, seed=1).batch(128)
    model = TwoTower(60, 80, dim=16, temperature=0.025)
    Trainer(model, lr=0.003).run(ds, epochs=12)


if __name__ == "__main__":
    main()
