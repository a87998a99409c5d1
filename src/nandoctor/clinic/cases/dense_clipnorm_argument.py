"""global_clipnorm, and a gradient whose square overflows

The optimizer clips by global norm, as Keras offers it. In one row the decimal separator was lost and a feature is 3e21;
its gradient is a float32 number, its square is inf, and the clip multiplies all gradients by NaN.
"""
# cause: clip-of-nonfinite
# phase: update
# rows: 7
# step: 3
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

dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
inputs = keras.Input((10,))
h = layers.Dense(24, activation="leaky_relu")(inputs)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(
    optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0),  # <- here
    loss="mae",
)
model.fit(dataset, epochs=4, verbose=2)  # <- or here
