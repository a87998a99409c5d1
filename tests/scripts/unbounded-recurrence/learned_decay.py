# cause: unbounded-recurrence
# phase: forward
# rows: any
# step: any
# note: the learned decay of the running average starts at 1.5 instead of below one, so the average grows by half at each of 300 steps.

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(9)


class RunningAverageCell(layers.Layer):
    """An exponential average over time with a decay for each unit."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, shape):
        self.project = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform", name="project")
        self.decay = self.add_weight(shape=(self.units,), initializer=keras.initializers.Constant(1.5), name="decay")  # <- or here

    def call(self, x, states):
        state = states[0] * self.decay + ops.matmul(x, self.project)  # <- here
        return state, [state]


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.average = layers.RNN(RunningAverageCell(16), name="average")
        self.head = layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.head(self.average(x))


rng = np.random.default_rng(1)
x = rng.standard_normal((128, 300, 3)).astype("float32")
y = x[:, -20:].mean(axis=1).argmax(axis=-1)
model = Classifier()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, verbose=2)
