"""Squares between normalised layers

Each square is followed by a batch normalisation, which the encryption scheme can compute as well: the numbers stay near
1 through all eight layers.
"""
# healthy
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
        return ops.square(x)


model = keras.Sequential([keras.Input((30,))])
for _ in range(8):
    model.add(layers.Dense(24, kernel_initializer="he_normal"))
    model.add(Square())
    model.add(layers.BatchNormalization())
model.add(layers.Dense(1))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
