"""A penalty on activations that is small beside the error

The same autoencoder with a weight of 0.001 for its sparse codes.
"""
# healthy
# claims: C7

import keras
import tensorflow as tf
from keras import layers, regularizers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(48)

SPARSITY = 1e-3

images = (load_digits().data / 16.0).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((images, images)).shuffle(2000, seed=48).batch(64)

inputs = keras.Input((64,))
codes = layers.Dense(16, name="codes", activity_regularizer=regularizers.L2(SPARSITY))(inputs)
decoded = layers.Dense(64, activation="sigmoid")(codes)
autoencoder = keras.Model(inputs, decoded)
autoencoder.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05), loss="mse")
autoencoder.fit(dataset, epochs=5, verbose=2)
