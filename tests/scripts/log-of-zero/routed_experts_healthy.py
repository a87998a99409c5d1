# healthy

"""Mixture of experts on California-like tabular data.
Soft routing while training; one expert per row when predicting (cheap serving)."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from sklearn.datasets import make_regression

keras.utils.set_random_seed(14)


class Router(layers.Layer):
    def __init__(self, experts, balance=0.02, temperature=1.5, **kwargs):
        super().__init__(**kwargs)
        self.experts = experts
        self.balance = balance
        self.temperature = temperature
        self.proj = layers.Dense(experts)

    def call(self, x, training=None):
        logits = self.proj(x)
        if training:
            gates = tf.nn.softmax(logits / self.temperature)
        else:
            gates = tf.one_hot(tf.argmax(logits, axis=-1), self.experts)
        entropy = -tf.reduce_sum(tf.math.xlogy(gates, gates), axis=-1)
        load = tf.reduce_mean(gates, axis=0)
        uneven = tf.reduce_sum(tf.square(load - 1.0 / self.experts))
        self.add_loss(self.balance * (tf.reduce_mean(entropy) + uneven))
        return gates


class Expert(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(width, activation="gelu")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def build(n_features, experts=4, width=12):
    inp = keras.Input((n_features,))
    trunk = layers.Dense(24, activation="gelu")(inp)
    trunk = layers.LayerNormalization()(trunk)
    gates = Router(experts, name="router")(trunk)
    outs = layers.Concatenate()([Expert(width, name=f"expert_{i}")(trunk) for i in range(experts)])
    y = layers.Dot(axes=1)([gates, outs])
    return keras.Model(inp, y)


def piecewise_data(n=1500):
    x, y = make_regression(n, 8, n_informative=6, noise=5.0, random_state=14)
    side = x[:, 0] > 0
    y = np.where(side, y, -0.5 * y + 30)
    y = (y - y.mean()) / y.std()
    return x.astype("float32"), y.astype("float32")[:, None]


x, y = piecewise_data()
model = build(x.shape[1])
model.compile(
    optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 100)),
    loss="mse",
)
checkpoint_monitor = keras.callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=False)
hist = model.fit(x, y, batch_size=100, epochs=5, validation_split=0.2, verbose=2, callbacks=[checkpoint_monitor])
print("loss     ", hist.history["loss"])
print("val_loss ", hist.history["val_loss"])
