# healthy

"""Recommender: rating = user . item + biases, trained on centred ratings."""
import argparse

import keras
import numpy as np


class MatrixFactorisation(keras.Model):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.user = keras.layers.Embedding(n_users, dim, embeddings_initializer="glorot_uniform")
        self.item = keras.layers.Embedding(n_items, dim, embeddings_initializer="glorot_uniform")
        self.user_bias = keras.layers.Embedding(n_users, 1)
        self.item_bias = keras.layers.Embedding(n_items, 1)

    def call(self, pairs):
        u, i = pairs[:, 0], pairs[:, 1]
        dot = keras.ops.sum(self.user(u) * self.item(i), axis=-1, keepdims=True)
        return dot + self.user_bias(u) + self.item_bias(i)


def load_ratings(n_users, n_items, n_ratings, seed=0):
    rng = np.random.default_rng(seed)
    taste, kind = rng.normal(size=(n_users, 3)), rng.normal(size=(n_items, 3))
    pairs = np.stack([rng.integers(n_users, size=n_ratings), rng.integers(n_items, size=n_ratings)], axis=1)
    ratings = (taste[pairs[:, 0]] * kind[pairs[:, 1]]).sum(-1) / np.sqrt(3)
    ratings = np.clip(ratings, -2, 2) - ratings.mean()
    return pairs.astype("int32"), ratings.astype("float32")[:, None]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=5)
    args = parser.parse_args()

    keras.utils.set_random_seed(42)
    pairs, ratings = load_ratings(60, 40, 2000)
    model = MatrixFactorisation(60, 40, dim=8)
    optimizer = keras.optimizers.SGD(learning_rate=args.lr)
    model.compile(optimizer=optimizer, loss=keras.losses.MeanSquaredError())
    model.fit(pairs, ratings, batch_size=100, epochs=args.epochs, verbose=2)


if __name__ == "__main__":
    main()
