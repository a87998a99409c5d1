"""A callback that clips gradients is never called

The callback has a method on_gradient_update, as an article recommends. Keras calls no such hook: nothing is clipped,
and the training explodes just as it does without it.
"""
# cause: inert-clipping
# phase: forward
# rows: any
# step: any
# claims: R1, C8

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(40)


class GradientClipping(keras.callbacks.Callback):
    """Clip each gradient to [-limit, limit] before it is applied."""

    def __init__(self, limit=1.0):
        super().__init__()
        self.limit = limit

    def on_gradient_update(self, gradients):  # <- here
        return [tf.clip_by_value(g, -self.limit, self.limit) for g in gradients]


x, y = make_regression(n_samples=1000, n_features=20, noise=10.0, random_state=40)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])

model = keras.Sequential([
    keras.Input((20,)),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.2, momentum=0.9), loss="mse")
model.fit(x, y, batch_size=25, epochs=5, callbacks=[GradientClipping(0.5)], verbose=2)  # <- or here
