"""A network that squares in each layer

Networks that run on encrypted numbers can only add and multiply, so x^2 takes the place of the ReLU. Eight squares in
a row are a power of 256: whatever is above 2 overflows, and no learning rate and no clipping changes that.
"""
# cause: exploding-gradients
# phase: forward
# rows: any
# step: any
# claims: C1, C8

import keras
from keras import layers, ops
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(31)

x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
y = y.astype("float32")


class Square(layers.Layer):
    """The only nonlinearity that the encryption scheme can compute."""

    def call(self, x):
        return ops.square(x)  # <- here


model = keras.Sequential([keras.Input((30,))])
for _ in range(8):
    model.add(layers.Dense(24, kernel_initializer="he_normal"))  # <- or here
    model.add(Square())
model.add(layers.Dense(1))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
