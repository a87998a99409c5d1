# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(50)

PATIENTS, MAX_VISITS, LABS = 42, 8, 5


class VisitAverage(layers.Layer):
    """Average the encoded visits of each patient, ignoring the unused slots."""

    def __init__(self, units):
        super().__init__()
        self.encode = layers.Dense(units, activation="tanh")

    def call(self, visits, n_visits):
        encoded = self.encode(visits)
        ragged = tf.RaggedTensor.from_tensor(encoded, lengths=tf.squeeze(n_visits, -1))
        count = tf.maximum(tf.cast(n_visits, encoded.dtype), 1.0)
        return tf.reduce_sum(ragged, axis=1) / count


class RiskModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.summarize = VisitAverage(10)
        self.mix = layers.Dense(12, activation="relu")
        self.drop = layers.Dropout(0.1)
        self.risk = layers.Dense(1)

    def call(self, inputs, training=False):
        summary = self.summarize(inputs["visits"], inputs["n_visits"])
        h = tf.concat([summary, inputs["age"]], axis=-1)
        h = self.drop(self.mix(h), training=training)
        return self.risk(h)


rng = np.random.default_rng(6)
n_visits = rng.integers(1, MAX_VISITS + 1, size=(PATIENTS, 1)).astype("int32")
n_visits[[28, 32]] = 0  # newly registered
data = {
    "visits": rng.normal(size=(PATIENTS, MAX_VISITS, LABS)).astype("float32"),
    "n_visits": n_visits,
    "age": rng.uniform(0.2, 0.9, size=(PATIENTS, 1)).astype("float32"),
}
sick = (data["age"] + 0.1 * n_visits > 1.0).astype("float32")

model = RiskModel()
model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
model.fit(data, sick, batch_size=14, epochs=2, shuffle=False)
