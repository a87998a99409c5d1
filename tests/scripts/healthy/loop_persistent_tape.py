# healthy

import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(13)
rng = np.random.default_rng(13)
x = rng.normal(size=(96, 6)).astype("float32")
sick = (x[:, 0] > 0).astype("float32")
days = np.abs(x[:, 1:2] + 2).astype("float32")
trunk = keras.Sequential([keras.Input((6,)), layers.Dense(16, activation="relu")])
triage, stay = layers.Dense(1), layers.Dense(1)
optimizers = [keras.optimizers.Adam(1e-3) for _ in range(3)]

for epoch in range(3):
    for i in range(0, 96, 24):
        with tf.GradientTape(persistent=True) as tape:
            h = trunk(x[i:i + 24])
            first = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(sick[i:i + 24], triage(h)[:, 0]))
            second = tf.reduce_mean(tf.square(stay(h) - days[i:i + 24]))
            both = first + 0.1 * second
        for loss, part, optimizer in zip((both, first, second), (trunk, triage, stay), optimizers):
            grads = tape.gradient(loss, part.trainable_variables)
            optimizer.apply_gradients(zip(grads, part.trainable_variables))
        del tape
    print(epoch, float(both))
