# cause: exp-overflow
# phase: forward
# rows: any
# step: 101
# note: the temperature comes down to 0.007: exp(1/0.007), the similarity of a view to itself, overflows

"""Supervised contrastive pre-training on the sklearn digits, followed by a kNN probe."""
import math

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(7)

T_START, T_END, EPOCHS = 0.2, 0.007, 12


def load():
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype("float32")
    return train_test_split(x, y.astype("int32"), test_size=0.25, random_state=1, stratify=y)


def augment(x):
    noise = tf.random.normal(tf.shape(x), stddev=0.08)
    keep = tf.cast(tf.random.uniform(tf.shape(x)) > 0.1, x.dtype)
    return (x + noise) * keep


class SupCon(keras.Model):
    def __init__(self, width=64, proj=16):
        super().__init__()
        self.encoder = keras.Sequential([layers.Dense(width, activation="gelu"), layers.Dense(width, activation="gelu")])
        self.projector = layers.Dense(proj)
        self.temperature = tf.Variable(T_START, trainable=False, dtype=tf.float32)
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def call(self, x, training=False):
        return self.encoder(x, training=training)

    @property
    def metrics(self):
        return [self.loss_tracker]

    def contrastive(self, z, labels):
        z = tf.math.l2_normalize(z, axis=1)
        sims = tf.matmul(z, z, transpose_b=True) / self.temperature
        n = tf.shape(z)[0]
        not_self = 1.0 - tf.eye(n)
        same = tf.cast(labels[:, None] == labels[None, :], tf.float32) * not_self
        weights = tf.exp(sims) * not_self  # <- here
        log_prob = sims - tf.math.log(tf.reduce_sum(weights, axis=1, keepdims=True))  # <- or here
        per_anchor = tf.reduce_sum(log_prob * same, axis=1) / tf.maximum(tf.reduce_sum(same, axis=1), 1.0)
        return -tf.reduce_mean(per_anchor)

    def train_step(self, data):
        x, y = data
        views = tf.concat([augment(x), augment(x)], axis=0)
        labels = tf.concat([y, y], axis=0)
        with tf.GradientTape() as tape:
            z = self.projector(self(views, training=True))
            loss = self.contrastive(z, labels)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result(), "tau": self.temperature}


class CosineTemperature(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        c = 0.5 * (1 + math.cos(math.pi * epoch / (EPOCHS - 1)))
        self.model.temperature.assign(T_END + (T_START - T_END) * c)


def main():
    xtr, xte, ytr, yte = load()
    ds = tf.data.Dataset.from_tensor_slices((xtr, ytr)).shuffle(2000, seed=3).batch(128, drop_remainder=True)
    model = SupCon()
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    hist = model.fit(ds, epochs=EPOCHS, verbose=0, callbacks=[CosineTemperature()])
    for e, (l, t) in enumerate(zip(hist.history["loss"], hist.history["tau"])):
        print(f"epoch {e:2d}  loss {l:.4f}  tau {t:.4f}")
    ftr, fte = model.predict(xtr, verbose=0), model.predict(xte, verbose=0)
    if np.isfinite(ftr).all():
        print("kNN accuracy", KNeighborsClassifier(5).fit(ftr, ytr).score(fte, yte))


if __name__ == "__main__":
    main()
