# healthy

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(8)

images = load_digits().images[..., None].astype("float32") / 16.0
wide = "he_uniform"

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer=wide, name="encode1"),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer=wide, name="encode2"),
    layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer=wide, name="encode3"),
    layers.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer=wide, name="decode1"),
    layers.Conv2D(1, 3, padding="same", kernel_initializer=wide, name="decode2"),
])


def reconstruction(y_true, y_pred):
    return tf.reduce_sum(tf.square(y_true - y_pred), axis=(1, 2, 3))


model.compile(optimizer=keras.optimizers.SGD(1e-4), loss=reconstruction)
model.fit(images[:256], images[:256], batch_size=32, epochs=2, verbose=2)
