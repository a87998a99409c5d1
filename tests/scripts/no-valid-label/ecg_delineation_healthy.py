# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

VOID = -1
STEPS = 64


def ecg_bank(seed=6):
    """Records of three hospitals; wave labels per sample (0 rest, 1 P, 2 QRS, 3 T)."""
    rng = np.random.default_rng(seed)
    signals, labels = [], []
    for hospital, count in (("A", 120), ("B", 48), ("C", 70)):
        for _ in range(count):
            lab = np.zeros(STEPS, "int32")
            start = rng.integers(2, 10)
            lab[start:start + 8] = 1
            lab[start + 14:start + 22] = 2
            lab[start + 30:start + 42] = 3
            sig = np.choose(lab, [0.0, 0.4, 1.8, 0.7]) + rng.normal(0, 0.15, STEPS)
            if hospital == "B":
                lab = np.full(STEPS, VOID, "int32")
            else:
                lab = np.where(rng.random(STEPS) < 0.1, VOID, lab)
            signals.append(sig)
            labels.append(lab)
    return np.array(signals, "float32")[..., None], np.array(labels, "int32")


class Delineator(keras.Model):
    def __init__(self, width=12):
        super().__init__()
        self.c1 = layers.Conv1D(width, 7, padding="same", activation="relu")
        self.c2 = layers.Conv1D(width, 7, padding="same", activation="relu")
        self.out = layers.Conv1D(4, 1)
        self.mean_loss = keras.metrics.Mean(name="loss")

    def call(self, x):
        return self.out(self.c2(self.c1(x)))

    @property
    def metrics(self):
        return [self.mean_loss]

    def train_step(self, data):
        x, y = data
        known = tf.cast(tf.not_equal(y, VOID), tf.float32)
        safe = tf.maximum(y, 0)
        with tf.GradientTape() as tape:
            logits = self(x)
            ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=safe, logits=logits)
            loss = tf.math.divide_no_nan(tf.reduce_sum(ce * known), tf.reduce_sum(known))
        g = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(g, self.trainable_variables)
        self.mean_loss.update_state(loss)
        return {"loss": self.mean_loss.result()}


def main():
    keras.utils.set_random_seed(6)
    x, y = ecg_bank()
    ds = tf.data.Dataset.from_tensor_slices((x, y)).batch(16).prefetch(2)
    model = Delineator()
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    for rnd in range(3):
        h = model.fit(ds, epochs=1, verbose=0)
        print("round", rnd, "loss", h.history["loss"][0])


main()
