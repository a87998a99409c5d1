# cause: gradient-singularity
# phase: backward
# rows: 3
# step: 5
# note: two optimizers, one for each layer, held in a list

"""One optimizer for each layer."""
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


class LayerWise(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = layers.Dense(8, activation="tanh"), layers.Dense(1)
        self.optimizers = [keras.optimizers.Adam(1e-2), keras.optimizers.SGD(1e-2)]

    def call(self, x):
        return self.head(self.hidden(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        for optimizer, layer in zip(self.optimizers, (self.hidden, self.head)):
            optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
        return {"loss": loss}


model = LayerWise()
model.compile(loss=lengths)
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=2)
