# cause: half-underflow
# phase: backward
# rows: any
# step: any
# note: 1e-8 is 0 in float16; the softmax of a clear case is so small there that the logarithm's slope, one over it, is beyond 65504.

"""Focal loss on the softmax output, in mixed precision."""
import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(15)
keras.mixed_precision.set_global_policy("mixed_float16")


class FocalModel(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y = tf.cast(y, y_pred.dtype)
        losses = -y * tf.pow(1.0 - y_pred, 2.0) * tf.math.log(y_pred + 1e-8)  # <- here
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
