# healthy

"""Focal loss on the softmax output, in mixed precision."""
import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(15)
keras.mixed_precision.set_global_policy("mixed_float16")


class FocalModel(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y_pred = tf.cast(y_pred, tf.float32)
        y = tf.cast(y, tf.float32)
        losses = -y * tf.pow(1.0 - y_pred, 2.0) * tf.math.log(y_pred + 1e-8)
        return tf.reduce_mean(tf.reduce_sum(losses, axis=-1))


x, y = load_digits(return_X_y=True)
x = (x / 2.0).astype("float32")
y = keras.utils.to_categorical(y, 10)

inputs = keras.Input((64,))
h = layers.Dense(64, activation="relu")(inputs)
outputs = layers.Dense(10, activation="softmax")(layers.Dense(64, activation="relu")(h))
model = FocalModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(5e-3))
model.fit(x[:1024], y[:1024], batch_size=64, epochs=10, verbose=2)
