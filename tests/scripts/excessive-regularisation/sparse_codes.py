# cause: excessive-regularisation
# phase: forward
# rows: any
# step: any
# note: the sparsity penalty sums the squares of all codes with a weight of 50, which drives the encoder far beyond the reconstruction.

"""Sparse autoencoder with a penalty on its codes."""
import keras
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(4)

SPARSITY = 50.0


class SparsityPenalty(layers.Layer):
    def __init__(self, strength, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength

    def call(self, codes):
        self.add_loss(self.strength * ops.sum(ops.square(codes)))  # <- here
        return codes


class SparseAutoencoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = layers.Dense(32, name="encoder")
        self.penalty = SparsityPenalty(SPARSITY)  # <- or here
        self.decoder = layers.Dense(64, name="decoder")

    def call(self, x):
        return self.decoder(self.penalty(self.encoder(x)))


x = (load_digits().data / 16.0).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((x, x)).shuffle(2000, seed=1).batch(64, drop_remainder=True)

model = SparseAutoencoder()
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
model.fit(dataset, epochs=3, verbose=2)
