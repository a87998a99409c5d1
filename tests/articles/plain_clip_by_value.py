# cause: gradient-singularity
# phase: backward
# rows: 11
# step: 5
# note: one row is predicted without any error, where the root of the error has an infinite slope; clipping each gradient by value leaves the NaN in place

"""Custom train_step with each gradient clipped by value, as recommended against NaN."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(5)


def root_error(y_true, y_pred):
    """Length of the error vector: robust, an outlier counts only once."""
    return tf.sqrt(tf.reduce_sum((y_true - y_pred) ** 2, axis=-1))  # <- here


class Regressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(24, activation="relu", use_bias=False)
        self.out = layers.Dense(2, use_bias=False)

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(root_error(y, self(x, training=True)))
        grads = tape.gradient(loss, self.trainable_variables)
        grads = [tf.clip_by_value(g, -1.0, 1.0) for g in grads]
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        return {"loss": loss}


x, y = load_diabetes(return_X_y=True)
x = (x / 0.0476).astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")
y = np.stack([y, np.roll(y, 1)], axis=1)  # this patient and the one before
x[107], y[107] = 0.0, 0.0  # the average patient, as an anchor

model = Regressor()
model.compile(optimizer=keras.optimizers.RMSprop(1e-3))
model.fit(x, y, batch_size=24, epochs=2, shuffle=False, verbose=2)
