# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# note: the temperature is annealed until the generator's softmax is exactly 0 somewhere, and the diversity term takes its log

"""A GAN for one categorical column, with two optimizers."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers


class TableGAN:
    def __init__(self, categories, latent=8):
        self.latent = latent
        self.generator = keras.Sequential([keras.Input((latent,)), layers.Dense(32, "relu"), layers.Dense(categories)])
        self.critic = keras.Sequential([keras.Input((categories,)), layers.Dense(32, "relu"), layers.Dense(1)])
        self.g_opt = keras.optimizers.Adam(1e-3, beta_1=0.5)
        self.d_opt = keras.optimizers.Adam(1e-3, beta_1=0.5)
        self.bce = keras.losses.BinaryCrossentropy(from_logits=True)

    def sample(self, n, temperature):
        logits = self.generator(tf.random.normal((n, self.latent)), training=True)
        noise = -tf.math.log(-tf.math.log(tf.random.uniform(tf.shape(logits), 1e-6, 1.0 - 1e-6)))
        return tf.nn.softmax((logits + noise) / temperature)

    @tf.function
    def train_critic(self, real, temperature):
        with tf.GradientTape() as tape:
            fake = self.sample(tf.shape(real)[0], temperature)
            on_real, on_fake = self.critic(real), self.critic(fake)
            loss = self.bce(tf.ones_like(on_real), on_real) + self.bce(tf.zeros_like(on_fake), on_fake)
        weights = self.critic.trainable_variables
        self.d_opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    @tf.function
    def train_generator(self, n, temperature):
        with tf.GradientTape() as tape:
            fake = self.sample(n, temperature)
            logits = self.critic(fake)
            entropy = -tf.reduce_sum(fake * tf.math.log(fake), axis=-1)  # <- here
            loss = self.bce(tf.ones_like(logits), logits) - 0.1 * tf.reduce_mean(entropy)
        weights = self.generator.trainable_variables
        self.g_opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss


keras.utils.set_random_seed(21)
column = np.eye(6, dtype="float32")[np.random.default_rng(21).choice(6, 240, p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05])]
gan = TableGAN(categories=6)
temperature = 1.0
for epoch in range(4):
    for start in range(0, len(column), 48):
        d_loss = gan.train_critic(column[start:start + 48], tf.constant(temperature))
        g_loss = gan.train_generator(48, tf.constant(temperature))
    temperature *= 0.1
    print(f"{epoch}: critic {float(d_loss):.3f} generator {float(g_loss):.3f}")
