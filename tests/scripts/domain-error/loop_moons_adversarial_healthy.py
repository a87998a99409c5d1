# healthy

# Toy adversarial generator for two moons. First version by hand, no Keras training API.
import numpy as np
import tensorflow as tf
from sklearn.datasets import make_moons

tf.keras.utils.set_random_seed(30)
points, _ = make_moons(1024, noise=0.05, random_state=30)
points = ((points - points.mean(0)) / points.std(0)).astype("float32")

LATENT = 4
BATCH = 64


def mlp(sizes, n_out, name):
    net = tf.keras.Sequential(name=name)
    for s in sizes:
        net.add(tf.keras.layers.Dense(s))
        net.add(tf.keras.layers.LeakyReLU(negative_slope=0.2))
    net.add(tf.keras.layers.Dense(n_out))
    return net


generator = mlp([32, 32], 2, "generator")
critic = mlp([32, 32], 1, "critic")
critic.add(tf.keras.layers.Activation("sigmoid"))
generator.build((None, LATENT))
critic.build((None, 2))

opt_g = tf.keras.optimizers.Adam(1e-3, beta_1=0.5)
opt_d = tf.keras.optimizers.Adam(1e-3, beta_1=0.5)
EPS = 1e-7


def critic_loss(real, fake):
    return -tf.reduce_mean(tf.math.log(real + EPS) + tf.math.log(1.0 - fake + EPS))


def generator_loss(fake):
    return -tf.reduce_mean(tf.math.log(fake + EPS))


def train_round(real_batch):
    z = tf.random.normal((len(real_batch), LATENT))
    with tf.GradientTape() as dt:
        d_loss = critic_loss(critic(real_batch), critic(generator(z)))
    grads = dt.gradient(d_loss, critic.trainable_variables)
    opt_d.apply_gradients(zip(grads, critic.trainable_variables))

    z = tf.random.normal((BATCH, LATENT))
    with tf.GradientTape() as gt:
        g_loss = generator_loss(critic(generator(z)))
    grads = gt.gradient(g_loss, generator.trainable_variables)
    opt_g.apply_gradients(zip(grads, generator.trainable_variables))
    return d_loss, g_loss


dataset = tf.data.Dataset.from_tensor_slices(points).shuffle(1024, seed=1).batch(BATCH)

for epoch in range(2):
    d_hist, g_hist = [], []
    for batch in dataset:
        d, g = train_round(batch)
        d_hist.append(float(d))
        g_hist.append(float(g))
    print(f"epoch {epoch}  critic {np.mean(d_hist):.4f}  generator {np.mean(g_hist):.4f}")
