# healthy

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_moons


class MoonGAN(keras.Model):
    def __init__(self, generator, discriminator, latent_dim):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.g_loss = keras.metrics.Mean(name="g_loss")
        self.d_loss = keras.metrics.Mean(name="d_loss")
        self.seeds = keras.random.SeedGenerator(7)

    def compile(self, g_optimizer, d_optimizer, loss_fn):
        super().compile(optimizer=g_optimizer)
        self.g_optimizer = g_optimizer
        self.d_optimizer = d_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.g_loss, self.d_loss]

    def train_step(self, real):
        n = tf.shape(real)[0]
        noise = keras.random.normal((n, self.latent_dim), seed=self.seeds)
        fake = self.generator(noise, training=True)
        with tf.GradientTape() as tape:
            logits = self.discriminator(tf.concat([real, fake], axis=0), training=True)
            targets = tf.concat([0.9 * tf.ones((n, 1)), tf.zeros((n, 1))], axis=0)
            d_loss = self.loss_fn(targets, logits)
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply(grads, self.discriminator.trainable_weights)

        noise = keras.random.normal((n, self.latent_dim), seed=self.seeds)
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(noise, training=True), training=True)
            g_loss = self.loss_fn(tf.ones((n, 1)), logits)
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply(grads, self.generator.trainable_weights)

        self.g_loss.update_state(g_loss)
        self.d_loss.update_state(d_loss)
        return {m.name: m.result() for m in self.metrics}


keras.utils.set_random_seed(50)
moons, _ = make_moons(640, noise=0.05, random_state=0)
generator = keras.Sequential([keras.Input((8,)), layers.Dense(32, "relu"), layers.Dense(2)], name="generator")
discriminator = keras.Sequential(
    [keras.Input((2,)), layers.Dense(32), layers.LeakyReLU(0.2), layers.Dense(1)], name="discriminator"
)
gan = MoonGAN(generator, discriminator, latent_dim=8)
gan.compile(
    g_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    d_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
)
gan.fit(moons.astype("float32"), batch_size=64, epochs=3, verbose=2)
