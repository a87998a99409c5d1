# cause: exploding-gradients
# phase: forward
# rows: any
# step: any
# note: every cross layer multiplies by the input once more, so 22 of them make a polynomial of degree 23 whose gradients run away at any learning rate.

"""Click-through model with a deep & cross network (DCN) on tabular features."""
import keras
import numpy as np
from keras import ops

keras.utils.set_random_seed(2024)


class CrossLayer(keras.layers.Layer):
    """x_{l+1} = x_0 * (W x_l + b) + x_l"""

    def build(self, shape):
        dim = shape[0][-1]
        self.w = self.add_weight(shape=(dim, dim), initializer="glorot_uniform", name="w")
        self.b = self.add_weight(shape=(dim,), initializer="zeros", name="b")

    def call(self, inputs):
        x0, xl = inputs
        return x0 * (ops.matmul(xl, self.w) + self.b) + xl  # <- here


class DeepCross(keras.Model):
    def __init__(self, n_cross):
        super().__init__()
        self.cross = [CrossLayer(name=f"cross_{i}") for i in range(n_cross)]
        self.deep = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(16, "relu")])
        self.head = keras.layers.Dense(1)

    def call(self, x):
        crossed = x
        for layer in self.cross:
            crossed = layer([x, crossed])
        return self.head(ops.concatenate([crossed, self.deep(x)], axis=-1))


rng = np.random.default_rng(7)
features = rng.standard_normal((512, 16)).astype("float32")
score = features[:, 0] * features[:, 3] - 0.5 * features[:, 7] + 0.3 * rng.standard_normal(512)
clicks = (score > 0).astype("float32")[:, None]

model = DeepCross(n_cross=22)  # <- or here
model.compile(
    optimizer=keras.optimizers.SGD(0.01),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
)
model.fit(features, clicks, batch_size=32, epochs=2, verbose=2)
