# cause: nonfinite-input
# phase: data
# rows: 2
# step: 4
# note: the values of a ragged tensor have no rows of their own

"""Each patient has another number of visits."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
lengths = rng.integers(1, 6, 80)
visits = rng.normal(size=(int(lengths.sum()), 3)).astype("float32")
visits[lengths[:26].sum(), 1] = np.nan  # <- here
patients = tf.RaggedTensor.from_row_lengths(visits, lengths)
y = rng.normal(size=80).astype("float32")


class MeanVisit(layers.Layer):
    def call(self, visits):
        return tf.reduce_mean(visits, axis=1)

    def compute_output_spec(self, visits):
        return keras.KerasTensor((None, 3))


class Risk(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool, self.head = MeanVisit(), layers.Dense(1)

    def call(self, visits):
        return self.head(self.pool(visits))


model = Risk()
model.compile("adam", "mse")
model.fit(tf.data.Dataset.from_tensor_slices((patients, y)).batch(8), epochs=2, verbose=2)
