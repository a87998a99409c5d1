"""global_clipnorm on gradients that have a norm

The same optimizer and the same clip; the impossible value is limited to five deviations with all others.
"""
# healthy
# claims: C8, R5

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(55)

x, y = load_diabetes(return_X_y=True)
x = (x / 0.0476).astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")[:, None]
x[71, 3] = 3e21
x = x.clip(-5.0, 5.0)

dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
inputs = keras.Input((10,))
h = layers.Dense(24, activation="leaky_relu")(inputs)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(
    optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0),
    loss="mae",
)
model.fit(dataset, epochs=4, verbose=2)
