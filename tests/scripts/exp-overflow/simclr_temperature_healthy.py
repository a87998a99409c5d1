# healthy

"""Contrastive pretraining on two noisy views of the digits."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(11)


class SimCLR(keras.Model):
    def __init__(self, width=32, temperature=0.01):
        super().__init__()
        self.temperature = temperature
        self.encoder = keras.Sequential(
            [
                layers.Dense(64, activation="relu"),
                layers.Dense(width, activation="relu"),
            ]
        )
        self.projector = layers.Dense(16, use_bias=False)
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.tracker]

    def call(self, x):
        return tf.math.l2_normalize(self.projector(self.encoder(x)), axis=1)

    def nt_xent(self, a, b):
        similarity = tf.matmul(a, b, transpose_b=True) / self.temperature
        positive = tf.linalg.diag_part(similarity)
        everything = tf.reduce_logsumexp(similarity, axis=1)
        return tf.reduce_mean(everything - positive)

    def train_step(self, images):
        view_a = images + tf.random.normal(tf.shape(images), stddev=0.02)
        view_b = images + tf.random.normal(tf.shape(images), stddev=0.02)
        with tf.GradientTape() as tape:
            loss = self.nt_xent(self(view_a), self(view_b))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.tracker.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


images = (load_digits().data / 16.0).astype("float32")[:640]
model = SimCLR()
model.compile(optimizer=keras.optimizers.AdamW(1e-3), jit_compile=True)
model.fit(images, batch_size=64, epochs=2, verbose=2)
