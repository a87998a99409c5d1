# cause: nonfinite-target
# phase: validation
# rows: 6
# step: any
# note: a flat of the validation was given away for 0, and the logarithm of the price is -inf

"""Flat prices. The trainer reports like the ones of the big libraries: evaluate() gives a dict of floats."""
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf


@dataclass
class TrainingArguments:
    batch_size: int = 40
    epochs: int = 3
    learning_rate: float = 3e-3
    metrics: list = field(default_factory=lambda: ["loss", "mae"])


class Trainer:
    def __init__(self, model, args, train_data, eval_data):
        self.model, self.args = model, args
        self.train_data, self.eval_data = train_data, eval_data
        self.optimizer = keras.optimizers.AdamW(args.learning_rate)
        self.criterion = keras.losses.Huber(reduction="none")

    @tf.function(reduce_retracing=True)
    def training_step(self, x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.criterion(y, self.model(x, training=True)))
        grads = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.model.trainable_variables))
        return loss

    def evaluate(self):
        losses, errors = [], []
        for x, y in self.eval_data.batch(self.args.batch_size):
            predicted = self.model(x, training=False)  # <- or here
            losses.extend(self.criterion(y, predicted).numpy())
            errors.extend(np.abs(y - predicted).ravel())
        return {"eval_loss": float(np.mean(losses)), "eval_mae": float(np.mean(errors))}

    def train(self):
        for epoch in range(self.args.epochs):
            for x, y in self.train_data.shuffle(400, seed=epoch).batch(self.args.batch_size):
                loss = self.training_step(x, y)
            print({"epoch": epoch, "loss": float(loss), **self.evaluate()})


def flats(n, seed):
    rng = np.random.default_rng(seed)
    size = rng.uniform(20, 140, n)
    age = rng.uniform(0, 100, n)
    centre = rng.exponential(5, n)
    price = np.round(3000 * size * np.exp(-0.05 * centre - 0.002 * age))
    table = np.stack([size / 80 - 1, age / 50 - 1, centre / 5 - 1], axis=1)
    return table.astype("float32"), price[:, None]


def dataset(table, price):
    with np.errstate(divide="ignore"):
        target = np.log(price) - 12.0  # <- here
    return tf.data.Dataset.from_tensor_slices((table, target.astype("float32")))  # <- or here


if __name__ == "__main__":
    keras.utils.set_random_seed(21)
    x, price = flats(400, 1)
    x_eval, price_eval = flats(100, 2)
    price_eval[86] = 0.0  # <- or here
    model = keras.Sequential([keras.layers.Dense(24, activation="gelu"), keras.layers.Dense(1)])
    model.build((None, 3))
    Trainer(model, TrainingArguments(), dataset(x, price), dataset(x_eval, price_eval)).train()
