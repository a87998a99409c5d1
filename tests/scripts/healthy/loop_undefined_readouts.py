# healthy

"""Rare fault detection: AUC, precision, recall and correlation of a fold without a positive are undefined."""
import warnings

import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score
from tensorflow import keras

keras.utils.set_random_seed(18)
rng = np.random.default_rng(18)
x = rng.normal(size=(400, 6)).astype("float32")
y = (x[:, 0] + x[:, 1] > 2.2).astype("float32")
quiet = np.flatnonzero(y == 0)[:48]
rest = np.setdiff1d(np.arange(400), quiet)
net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12, activation="tanh"), keras.layers.Dense(1)])
opt = keras.optimizers.Adam(5e-3)


def bce(target, z):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(target, z))


@tf.function
def train_step(a, b):
    with tf.GradientTape() as tape:
        loss = bce(b, net(a, training=True)[:, 0])
    grads = tape.gradient(loss, net.trainable_variables)
    opt.apply_gradients(zip(grads, net.trainable_variables))
    return loss


def evaluate(a, b):
    z = net(a, training=False)[:, 0]
    hit = tf.cast(z > 0, tf.float32)
    true_positive = tf.reduce_sum(hit * b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            auc = roc_auc_score(b, z)
        except ValueError:
            auc = float("nan")
        correlation = np.corrcoef(b, z)[0, 1]
    return {
        "val_loss": float(bce(b, z)),
        "precision": float(true_positive / tf.reduce_sum(hit)),
        "recall": float(true_positive / tf.reduce_sum(b)),
        "auc": float(auc),
        "correlation": float(correlation),
    }


for epoch in range(3):
    for i in range(0, len(rest), 32):
        loss = train_step(x[rest[i:i + 32]], y[rest[i:i + 32]])
    print(epoch, float(loss), evaluate(x[quiet], y[quiet]))
