# cause: logits-probabilities-mismatch
# phase: forward
# rows: any
# step: 1
# note: the decoder ends in a linear layer, its raw logits go to a Bernoulli likelihood that takes log(p) and log(1 - p).

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

LATENT = 4


def bernoulli_log_prob(x, p):
    return tf.reduce_sum(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p), axis=-1)  # <- here


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.seed = keras.random.SeedGenerator(42)

    @property
    def metrics(self):
        return [self.loss_tracker]

    def elbo(self, x):
        mean, log_var = tf.split(self.encoder(x), 2, axis=-1)
        z = mean + tf.exp(0.5 * log_var) * keras.random.normal(tf.shape(mean), seed=self.seed)
        reconstruction = self.decoder(z)
        kl = -0.5 * tf.reduce_sum(1 + log_var - mean**2 - tf.exp(log_var), axis=-1)
        return tf.reduce_mean(bernoulli_log_prob(x, reconstruction) - kl)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            loss = -self.elbo(x)
        grads = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


keras.utils.set_random_seed(4)
encoder = keras.Sequential([keras.Input((64,)), layers.Dense(32, "relu"), layers.Dense(2 * LATENT)])
decoder = keras.Sequential([
    keras.Input((LATENT,)),
    layers.Dense(32, "relu"),
    layers.Dense(64),  # <- or here
])

pixels = (load_digits().data > 7).astype("float32")
vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(1e-3))
vae.fit(pixels[:960], epochs=2, batch_size=96, verbose=2)
