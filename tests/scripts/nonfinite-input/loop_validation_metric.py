# cause: nonfinite-input
# phase: validation
# rows: 17
# step: any
# note: one cell of the validation table is missing; its loss is gathered by a metric, and printed at the end of the epoch

"""Regression by hand: a trainer class that keeps the validation loss in a keras metric."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 6)).astype("float32")
Y = (X @ rng.normal(size=6) + rng.normal(size=200) * 0.1).astype("float32")
XV = rng.normal(size=(60, 6)).astype("float32")
YV = XV.sum(1).astype("float32")
XV[17, 2] = np.nan  # <- here


class Trainer:
    def __init__(self):
        self.net = keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(1)]
        )
        self.opt = keras.optimizers.RMSprop(1e-3)
        self.loss = keras.losses.MeanSquaredError()
        self.val = keras.metrics.Mean()

    @tf.function
    def step(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.loss(y, self.net(x, training=True)[:, 0])
        grads = tape.gradient(loss, self.net.trainable_variables)
        self.opt.apply_gradients(zip(grads, self.net.trainable_variables))
        return loss

    @tf.function
    def val_step(self, x, y):
        self.val.update_state(self.loss(y, self.net(x, training=False)[:, 0]))

    def run(self):
        train = tf.data.Dataset.from_tensor_slices((X, Y)).batch(20)
        valid = tf.data.Dataset.from_tensor_slices((XV, YV)).batch(20)  # <- or here
        for epoch in range(3):
            for x, y in train:
                loss = self.step(x, y)
            self.val.reset_state()
            for x, y in valid:
                self.val_step(x, y)
            print(f"epoch {epoch}: loss {loss:.4f} val {self.val.result():.4f}")


Trainer().run()
