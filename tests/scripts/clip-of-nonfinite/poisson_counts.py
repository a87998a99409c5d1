# cause: clip-of-nonfinite
# phase: update
# rows: 3
# step: 2
# note: one day with a wild exposure value gives a finite gradient above 1e19, so the squared norm is inf and tf.clip_by_global_norm multiplies all gradients by NaN.

import keras
import numpy as np
import tensorflow as tf


class ClippedModel(keras.Model):
    """Keras model that clips its gradients by their global norm."""

    def __init__(self, *args, max_norm=5.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_norm = max_norm

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        variables = self.trainable_variables
        gradients = tape.gradient(loss, variables)
        gradients, norm = tf.clip_by_global_norm(gradients, self.max_norm)  # <- here
        self.optimizer.apply_gradients(zip(gradients, variables))
        return {"loss": loss, "grad_norm": norm}


def poisson_nll(counts, log_rate):
    return tf.reduce_mean(tf.exp(log_rate) - counts * log_rate, axis=-1)


rng = np.random.default_rng(10)
weather = rng.normal(size=(120, 5)).astype("float32")
log_exposure = rng.normal(0.0, 0.3, size=(120, 1)).astype("float32")
rate = np.exp(weather @ np.array([0.4, -0.3, 0.2, 0.0, 0.1])[:, None] + log_exposure)
counts = rng.poisson(rate).astype("float32")
log_exposure[27] = 48.0

keras.utils.set_random_seed(5)
features = keras.Input((5,))
offset = keras.Input((1,))
hidden = keras.layers.Dense(8, activation="tanh")(features)
log_rate = keras.layers.Dense(1)(hidden) + offset
model = ClippedModel([features, offset], log_rate)

model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=poisson_nll)
model.fit([weather, log_exposure], counts, batch_size=24, epochs=3, shuffle=False, verbose=2)
