# cause: clip-of-nonfinite
# phase: update
# rows: 6
# step: 3
# note: one clashing pair of atoms makes a finite gradient near 1e23; its square overflows, the global norm is inf, and global_clipnorm turns every gradient into NaN.

import keras
import numpy as np
from keras import ops

keras.utils.set_random_seed(77)


class LennardJones(keras.layers.Layer):
    """Pair energy with learnable well depth and radius."""

    def build(self, input_shape):
        self.epsilon = self.add_weight(shape=(), initializer="ones", name="epsilon")
        self.sigma = self.add_weight(shape=(), initializer="ones", name="sigma")

    def call(self, distances):
        s6 = (self.sigma / distances) ** 6
        pair = 4.0 * self.epsilon * (s6 * s6 - s6)
        return ops.sum(pair, axis=-1, keepdims=True)


def make_clusters(n, seed):
    rng = np.random.default_rng(seed)
    r = rng.uniform(0.95, 2.5, size=(n, 6)).astype("float32")
    s6 = (1.05 / r) ** 6
    energy = (4 * 0.8 * (s6**2 - s6)).sum(axis=1, keepdims=True) + 0.05 * rng.normal(size=(n, 1))
    return r, energy.astype("float32")


distances, energies = make_clusters(160, seed=3)
distances[38, 4] = 0.012  # a structure of an unfinished relaxation

inputs = keras.Input((6,), name="distances")
physics = LennardJones(name="lj")(inputs)
correction = keras.layers.Dense(1)(keras.layers.Dense(16, activation="tanh")(inputs))
model = keras.Model(inputs, physics + correction)

model.compile(
    optimizer=keras.optimizers.Adam(1e-2, global_clipnorm=1.0),  # <- here
    loss=keras.losses.MeanAbsoluteError(),
)
model.fit(distances, energies, batch_size=16, epochs=3, shuffle=False, verbose=2)
