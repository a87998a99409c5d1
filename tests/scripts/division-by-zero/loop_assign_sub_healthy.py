# healthy

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(5)
t = np.linspace(0, 4, 120).astype("float32")
y = (2.5 * np.exp(-0.7 * t) + 0.3 + rng.normal(0, 0.05, t.size)).astype("float32")
sigma = rng.uniform(0.04, 0.06, t.size).astype("float32")
sigma[52] = 0.05

amplitude = tf.Variable(1.0)
rate = tf.Variable(0.3)
offset = tf.Variable(0.0)
params = [amplitude, rate, offset]


@tf.function
def descend(t, y, sigma, lr):
    with tf.GradientTape() as tape:
        model = amplitude * tf.exp(-rate * t) + offset
        residual = (y - model) / sigma
        chi2 = tf.reduce_mean(tf.square(residual))
    for p, g in zip(params, tape.gradient(chi2, params)):
        p.assign_sub(lr * g)
    return chi2


for sweep in range(5):
    for i in range(0, t.size, 24):
        chi2 = descend(t[i:i + 24], y[i:i + 24], sigma[i:i + 24], 1e-4)
    print(f"sweep {sweep}  chi2 {chi2.numpy():.3f}  rate {rate.numpy():.3f}")
