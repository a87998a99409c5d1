# cause: nonfinite-input
# phase: data
# rows: 11, 49
# step: 4
# note: a shop without orders but with fee revenue has revenue / orders = inf, and the infinity turns to NaN in the network.

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import keras


@dataclass
class Config:
    shops: int = 512
    batch_size: int = 64
    epochs: int = 3
    learning_rate: float = 2e-3


def fetch_shops(cfg):
    rng = np.random.default_rng(99)
    orders = rng.poisson(30, cfg.shops) + 1
    orders[np.array([203, 241])] = 0  # opened this week
    revenue = orders * rng.uniform(20, 80, cfg.shops) + rng.uniform(5, 40, cfg.shops)
    region = rng.integers(0, 6, cfg.shops)
    churned = (rng.uniform(size=cfg.shops) < 1 / (1 + np.exp(orders / 10 - 3))).astype("float32")
    return orders, revenue, region, churned


def engineer(orders, revenue):
    basket = revenue / orders  # <- here
    return np.stack([np.log1p(orders) / 4.0, revenue / 1500.0, basket / 50.0], axis=1)


class ChurnModel(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def build():
    numeric = keras.Input((3,), name="numeric")
    region = keras.Input((), dtype="int32", name="region")
    h = keras.layers.Concatenate()([numeric, keras.layers.Embedding(6, 4)(region)])
    h = keras.layers.Dense(16, activation="gelu")(h)
    out = keras.layers.Dense(1, activation="sigmoid")(h)
    return ChurnModel({"numeric": numeric, "region": region}, out)


cfg = Config()
keras.utils.set_random_seed(99)
orders, revenue, region, churned = fetch_shops(cfg)
model = build()
optimizer = keras.optimizers.AdamW(cfg.learning_rate, clipnorm=1.0)
model.compile(optimizer=optimizer, loss="binary_crossentropy", jit_compile=False)
inputs = {"numeric": engineer(orders, revenue), "region": region}
model.fit(inputs, churned[:, None], batch_size=cfg.batch_size, epochs=cfg.epochs, shuffle=False, verbose=2)  # <- or here
