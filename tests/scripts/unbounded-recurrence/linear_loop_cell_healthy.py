# healthy

"""A state-space layer, written as a loop over time."""
import keras
import numpy as np
import tensorflow as tf


class StateSpace(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.a = self.add_weight(shape=(self.units, self.units), initializer="he_normal", name="a")
        self.b = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform", name="b")

    def call(self, x):
        state = tf.zeros((tf.shape(x)[0], self.units))
        gain = 1.0 + tf.eye(self.units)
        for t in range(x.shape[1]):
            state = tf.tanh(tf.matmul(state, self.a * gain) + tf.matmul(x[:, t], self.b))
        return state


keras.utils.set_random_seed(5)
rng = np.random.default_rng(3)
x = rng.standard_normal((192, 140, 4)).astype("float32")
y = (x[:, -5:].mean(axis=(1, 2)) > 0).astype("float32")[:, None]
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)

inputs = keras.Input((140, 4))
model = keras.Model(inputs, keras.layers.Dense(1)(StateSpace(24, name="ssm")(inputs)))
model.compile(optimizer=keras.optimizers.SGD(0.01), loss=keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(dataset, epochs=2, verbose=2)
