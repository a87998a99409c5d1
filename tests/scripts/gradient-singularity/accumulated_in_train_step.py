# cause: gradient-singularity
# phase: backward
# rows: 3
# step: 5
# note: a visibility of 0 makes the argument of the root 0; the gradients are added up by hand before any is applied

"""Gradients are added up over two batches in a train step of the user's own."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 4)).astype("float32")
y = np.stack([x @ [1.0, 2.0, -1.0, 0.5], np.ones(80)], axis=1).astype("float32")
y[35, 1] = 0.0  # out of sight


def lengths(targets, outputs):
    offset = targets[:, :1] - outputs
    return tf.reduce_mean(tf.sqrt(tf.square(offset) * targets[:, 1:]), axis=-1)  # <- here


class Accumulating(keras.Model):
    def __init__(self, every):
        super().__init__()
        self.net = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
        self.every = every
        self.sums = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in self.net.trainable_variables]
        self.count = tf.Variable(0, trainable=False)

    def call(self, x):
        return self.net(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        for total, gradient in zip(self.sums, tape.gradient(loss, self.net.trainable_variables)):
            total.assign_add(gradient)
        self.count.assign_add(1)
        tf.cond(tf.equal(self.count, self.every), self.update, lambda: None)
        return {"loss": loss}

    def update(self):
        means = [total / self.every for total in self.sums]
        self.optimizer.apply_gradients(zip(means, self.net.trainable_variables))
        for total in self.sums:
            total.assign(tf.zeros_like(total))
        self.count.assign(0)


model = Accumulating(every=2)
model.compile("sgd", lengths)
model.optimizer.build(model.net.trainable_variables)
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=2)
