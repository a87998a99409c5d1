# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)

# City size, tourism index, ticket price, floor space and opening hours of 600 museums
museums = 600
attributes = rng.normal(size=(museums, 5)).astype("float32")
effect = np.array([0.5, 0.3, -0.2, 0.2, 0.1])
expected = 200_000 * np.exp(attributes @ effect)
visitors = rng.poisson(expected).astype("float32") / 200_000  # in units of 200,000


def poisson_loss(y_true, y_pred):
    log_rate = tf.squeeze(y_pred, axis=-1)
    counts = tf.reshape(y_true, tf.shape(log_rate))
    nll = tf.nn.log_poisson_loss(
        targets=counts,
        log_input=log_rate,
        compute_full_loss=False,
    )
    return tf.reduce_mean(nll)


model = keras.Sequential(
    [
        layers.Input(shape=(5,)),
        layers.Dense(32, activation="tanh"),
        layers.Dense(32, activation="tanh"),
        layers.Dense(1, name="log_rate"),
    ]
)
model.compile(optimizer=keras.optimizers.SGD(5e-3), loss=poisson_loss)
model.fit(attributes, visitors, batch_size=20, epochs=2, shuffle=False, verbose=2)
