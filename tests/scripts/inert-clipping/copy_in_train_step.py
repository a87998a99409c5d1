# cause: inert-clipping
# phase: forward
# rows: any
# step: any
# note: the clipped copy of the gradients has another name than the one that is applied

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(1)
x, y = load_diabetes(return_X_y=True)
x = (x / x.std(axis=0)).astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")[:, None]


class Regressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32, activation="leaky_relu")
        self.head = keras.layers.Dense(1)

    def call(self, features):
        return self.head(self.hidden(features))

    def train_step(self, data):
        features, target = data
        with tf.GradientTape() as tape:
            error = self(features, training=True) - target
            loss = tf.reduce_mean(tf.square(error))
        grads = tape.gradient(loss, self.trainable_variables)
        clipped, norm = tf.clip_by_global_norm(grads, 1.0)  # <- here
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))  # <- or here
        return {"loss": loss}


model = Regressor()
model.compile(optimizer=keras.optimizers.SGD(0.5, momentum=0.9))
model.fit(x, y, batch_size=34, epochs=6, verbose=0)
