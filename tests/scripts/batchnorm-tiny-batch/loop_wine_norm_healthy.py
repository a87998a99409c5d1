# healthy

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import RobustScaler


class RunningNorm(tf.keras.layers.Layer):
    def __init__(self, momentum=0.9, eps=1e-3, **kw):
        super().__init__(**kw)
        self.momentum = momentum
        self.eps = eps

    def build(self, shape):
        d = shape[-1]
        self.gain = self.add_weight(name="gain", shape=(d,), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(d,), initializer="zeros")
        self.run_mean = self.add_weight(name="run_mean", shape=(d,), initializer="zeros", trainable=False)
        self.run_var = self.add_weight(name="run_var", shape=(d,), initializer="ones", trainable=False)

    def call(self, x, training=False):
        if training:
            mean, var = tf.nn.moments(x, axes=[0])
            n = tf.cast(tf.shape(x)[0], x.dtype)
            unbiased = var * n / tf.maximum(n - 1.0, 1.0)
            m = self.momentum
            self.run_mean.assign(m * self.run_mean + (1 - m) * mean)
            self.run_var.assign(m * self.run_var + (1 - m) * unbiased)
        else:
            mean, var = self.run_mean, self.run_var
        return self.gain * (x - mean) * tf.math.rsqrt(var + self.eps) + self.shift


def get_data(batch):
    x, y = load_wine(return_X_y=True)
    xt, xv, yt, yv = train_test_split(x, y, train_size=129, random_state=0, stratify=y)
    sc = RobustScaler().fit(xt)
    mk = lambda a, b: tf.data.Dataset.from_tensor_slices((sc.transform(a).astype("float32"), b.astype("int32")))
    return mk(xt, yt).shuffle(129, seed=0).batch(batch), mk(xv, yv).batch(batch)


def get_model():
    return tf.keras.Sequential([
        tf.keras.Input((13,)),
        tf.keras.layers.Dense(20),
        RunningNorm(),
        tf.keras.layers.ReLU(),
        tf.keras.layers.Dense(3),
    ])


def train():
    tf.keras.utils.set_random_seed(1)
    ds_t, ds_v = get_data(32)
    model = get_model()
    opt = tf.keras.optimizers.SGD(0.05, momentum=0.9)
    ce = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(reduce_retracing=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss = ce(y, model(x, training=True))
        grads = tape.gradient(loss, model.trainable_variables)
        opt.apply_gradients(zip(grads, model.trainable_variables))
        return loss

    @tf.function(reduce_retracing=True)
    def val_step(x, y):
        return ce(y, model(x, training=False))

    for epoch in range(6):
        tr = [train_step(x, y).numpy() for x, y in ds_t]
        va = [val_step(x, y).numpy() for x, y in ds_v]
        print(f"epoch {epoch}: loss {np.mean(tr):.4f}  val_loss {np.mean(va):.4f}")


if __name__ == "__main__":
    train()
