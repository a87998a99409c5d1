# healthy

"""Growth curves of different length: the targets are padded with NaN, and left out of both losses before anything is computed."""
import argparse

import numpy as np
import tensorflow as tf
from tensorflow import keras


def curves(n, visits, rng):
    birth = rng.normal(size=(n, 3))
    time = np.arange(visits) / visits
    height = birth[:, :1] + np.exp(0.3 * birth[:, 1:2]) * time + 0.05 * rng.normal(size=(n, visits))
    seen = rng.integers(1, visits + 1, n)
    height[np.arange(visits) >= seen[:, None]] = np.nan
    return birth.astype("float32"), height.astype("float32")


def masked_loss(target, predicted):
    known = ~tf.math.is_nan(target)
    target = tf.where(known, target, predicted)
    count = tf.reduce_sum(tf.cast(known, tf.float32))
    return tf.reduce_sum(tf.abs(target - predicted)) / count


def main(args):
    keras.utils.set_random_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    birth, height = curves(300, 8, rng)
    val_birth, val_height = curves(80, 8, rng)
    val_height[3] = np.nan
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(8)])
    optimizer = keras.optimizers.Nadam(args.lr)

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = masked_loss(y, model(x, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss

    @tf.function(reduce_retracing=True)
    def evaluate(x, y):
        return masked_loss(y, model(x, training=False))

    data = tf.data.Dataset.from_tensor_slices((birth, height)).shuffle(300, seed=1).batch(30)
    for epoch in range(args.epochs):
        losses = [float(step(x, y)) for x, y in data]
        val = [float(evaluate(val_birth[i:i + 20], val_height[i:i + 20])) for i in range(0, 80, 20)]
        print(f"epoch {epoch} loss {np.mean(losses):.4f} val {np.mean(val):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--epochs", type=int, default=3)
    main(parser.parse_args())
