# cause: gradient-singularity
# phase: backward
# rows: any
# step: 1
# note: the critic's last layer starts at zero, so its slope is 0 and the norm in the gradient penalty has no slope there

import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(4)
data = np.random.default_rng(4).normal(size=(256, 2)).astype("float32") @ np.array([[1.0, 0.6], [0.0, 0.4]], "float32")

critic = keras.Sequential([
    keras.Input((2,)),
    layers.Dense(32, activation="tanh"),
    layers.Dense(1, kernel_initializer="zeros"),
])
generator = keras.Sequential([keras.Input((4,)), layers.Dense(32, activation="relu"), layers.Dense(2)])
critic_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.0)
generator_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.0)


def gradient_penalty(real, fake):
    mix = tf.random.uniform((tf.shape(real)[0], 1))
    between = mix * real + (1 - mix) * fake
    with tf.GradientTape() as inner:
        inner.watch(between)
        score = critic(between, training=True)
    slope = inner.gradient(score, between)
    norm = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=1))  # <- here
    return tf.reduce_mean(tf.square(norm - 1.0))


@tf.function
def critic_step(real):
    fake = generator(tf.random.normal((tf.shape(real)[0], 4)), training=True)
    with tf.GradientTape() as tape:
        wasserstein = tf.reduce_mean(critic(fake, training=True)) - tf.reduce_mean(critic(real, training=True))
        loss = wasserstein + 10.0 * gradient_penalty(real, fake)
    grads = tape.gradient(loss, critic.trainable_variables)
    critic_optimizer.apply_gradients(zip(grads, critic.trainable_variables))
    return loss


@tf.function
def generator_step(n):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(critic(generator(tf.random.normal((n, 4)), training=True), training=True))
    grads = tape.gradient(loss, generator.trainable_variables)
    generator_optimizer.apply_gradients(zip(grads, generator.trainable_variables))
    return loss


for step, start in enumerate(range(0, 256, 32)):
    d = critic_step(data[start:start + 32])
    if step % 2:
        g = generator_step(32)
        print(step, float(d), float(g))
