# healthy

import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split


class BatchWhiten(keras.layers.Layer):
    """Per-feature whitening: batch estimates while training, running estimates otherwise."""

    def __init__(self, momentum=0.9, eps=1e-4, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.eps = eps

    def build(self, input_shape):
        d = (input_shape[-1],)
        self.run_mean = self.add_weight(name="run_mean", shape=d, initializer="zeros", trainable=False)
        self.run_var = self.add_weight(name="run_var", shape=d, initializer="ones", trainable=False)
        self.gain = self.add_weight(name="gain", shape=d, initializer="ones")
        self.shift = self.add_weight(name="shift", shape=d, initializer="zeros")

    def call(self, x, training=False):
        if training:
            n = tf.cast(tf.shape(x)[0], x.dtype)
            mean, var = tf.nn.moments(x, axes=[0])
            unbiased = var * n / tf.maximum(n - 1.0, 1.0)
            m = self.momentum
            self.run_mean.assign(m * self.run_mean + (1.0 - m) * mean)
            self.run_var.assign(m * self.run_var + (1.0 - m) * unbiased)
        else:
            mean, var = self.run_mean, self.run_var
        return self.gain * (x - mean) * tf.math.rsqrt(var + self.eps) + self.shift


class Tumour(keras.Model):
    def __init__(self, widths=(24, 12)):
        super().__init__()
        self.stem = BatchWhiten(name="stem")
        self.blocks = [
            [keras.layers.Dense(w, use_bias=False), BatchWhiten(), keras.layers.Activation("tanh")] for w in widths
        ]
        self.drop = keras.layers.Dropout(0.2)
        self.out = keras.layers.Dense(1, activation="sigmoid")

    def call(self, x, training=False):
        x = self.stem(x, training=training)
        for dense, white, act in self.blocks:
            x = act(white(dense(x), training=training))
        return self.out(self.drop(x, training=training))


def data():
    x, y = load_breast_cancer(return_X_y=True)
    x = np.log1p(x).astype("float32")
    y = y.astype("float32")[:, None]
    return train_test_split(x, y, train_size=417, random_state=6, stratify=y)


def main():
    keras.utils.set_random_seed(6)
    xtr, xva, ytr, yva = data()
    model = Tumour()
    model.compile(optimizer=keras.optimizers.Adam(2e-3),
                  loss=keras.losses.BinaryCrossentropy(label_smoothing=0.02),
                  metrics=["accuracy"])
    hist = model.fit(xtr, ytr, batch_size=32, epochs=5, validation_data=(xva, yva), verbose=0)
    for key in sorted(hist.history):
        print(f"{key:14s}", " ".join(f"{v:.4f}" for v in hist.history[key]))


if __name__ == "__main__":
    main()
