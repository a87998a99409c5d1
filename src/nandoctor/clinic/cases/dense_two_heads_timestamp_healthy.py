"""The second head predicts the delay in days

The time stamp is turned into days since the order, between 1 and 5. Rate, weights and network are the same.
"""
# healthy
# claims: C5

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(53)
rng = np.random.default_rng(53)

orders = rng.normal(size=(800, 6)).astype("float32")
returned = (orders[:, 0] + rng.normal(0, 0.3, 800) > 0).astype("float32")[:, None]
days = 3.0 + 0.5 * orders[:, 1] + rng.normal(0, 0.2, 800)
arrival = days.astype("float32")[:, None]

inputs = keras.Input((6,), name="order")
h = layers.Dense(32, activation="relu")(inputs)
h = layers.Dense(16, activation="relu")(h)
outputs = {
    "returned": layers.Dense(1, name="returned")(h),
    "arrival": layers.Dense(1, name="arrival")(h),
}
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.SGD(1e-3),
    loss={"returned": keras.losses.BinaryCrossentropy(from_logits=True), "arrival": "mse"},
    loss_weights={"returned": 1.0, "arrival": 0.1},
)
targets = {"returned": returned, "arrival": arrival}
dataset = tf.data.Dataset.from_tensor_slices((orders, targets)).shuffle(800, seed=53).batch(32)
model.fit(dataset, epochs=4, verbose=2)
