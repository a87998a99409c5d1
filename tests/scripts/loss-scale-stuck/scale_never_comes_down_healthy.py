# healthy

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(41)
keras.mixed_precision.set_global_policy("mixed_float16")

digits = load_digits()
images = (digits.images[..., None] / 16.0).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((images, digits.target)).batch(64, drop_remainder=True)

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(8, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(10, dtype="float32"),
])
optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), initial_scale=2.0**30)
model.compile(optimizer=optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(dataset, epochs=2, verbose=2)
