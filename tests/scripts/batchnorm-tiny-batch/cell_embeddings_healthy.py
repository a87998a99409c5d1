# healthy

"""Self-supervised embeddings of single-cell expression profiles (redundancy reduction)."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

GENES, EMB = 40, 12


def expression(n=385, seed=9):
    r = np.random.default_rng(seed)
    kinds = r.integers(0, 5, n)
    rate = np.exp(r.normal(0.5, 0.8, (5, GENES)))
    counts = r.poisson(rate[kinds] * r.lognormal(0, 0.2, (n, 1)))
    x = np.log1p(counts)
    return ((x - x.mean(0)) / (x.std(0) + 1e-3)).astype("float32")


class Decorrelate(layers.Layer):
    """Column-wise standard scores over the cells of the step."""

    def call(self, z):
        n = tf.cast(tf.shape(z)[0], z.dtype)
        centred = z - tf.reduce_mean(z, axis=0)
        var = tf.reduce_sum(tf.square(centred), axis=0) / (n - 1.0)
        return centred * tf.math.rsqrt(var + 1e-5)


class TwinNet(keras.Model):
    def __init__(self, off_diag=0.02):
        super().__init__()
        self.encoder = keras.Sequential([layers.Dense(32, activation="relu"), layers.Dense(EMB)])
        self.norm = Decorrelate()
        self.off_diag = off_diag

    def call(self, x):
        return self.encoder(x)

    def corrupt(self, x):
        keep = tf.cast(tf.random.uniform(tf.shape(x)) > 0.15, x.dtype)
        return x * keep + tf.random.normal(tf.shape(x), stddev=0.1)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            a = self.norm(self.encoder(self.corrupt(x)))
            b = self.norm(self.encoder(self.corrupt(x)))
            n = tf.cast(tf.shape(x)[0], tf.float32)
            c = tf.matmul(a, b, transpose_a=True) / n
            eye = tf.eye(EMB)
            on = tf.reduce_sum(tf.square(tf.linalg.diag_part(c) - 1.0))
            off = tf.reduce_sum(tf.square(c * (1.0 - eye)))
            loss = on + self.off_diag * off
        grads = tape.gradient(loss, self.encoder.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.encoder.trainable_variables))
        return {"loss": loss, "on": on, "off": off}


class Report(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch % 4 == 0:
            print(f"   step {batch}: {float(logs['loss']):.4f}")

    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, {k: round(float(v), 4) for k, v in logs.items()})


if __name__ == "__main__":
    keras.utils.set_random_seed(9)
    cells = expression()
    ds = tf.data.Dataset.from_tensor_slices(cells).shuffle(400, seed=9).batch(32, drop_remainder=True)
    net = TwinNet()
    net.compile(optimizer=keras.optimizers.Adam(1e-3))
    net.fit(ds, epochs=3, verbose=0, callbacks=[Report()])
