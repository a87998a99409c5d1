# cause: unscaled-input
# phase: forward
# rows: any
# step: any
# note: raw features of up to 4254 and SGD with momentum diverge; the clipping callback is never called, Keras has no such hook

"""Gradient clipping as a callback, to stop the exploding gradients."""

import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from tensorflow import keras


class GradientClippingCallback(keras.callbacks.Callback):
    def __init__(self, clip_value=1.0):
        super().__init__()
        self.clip_value = clip_value

    def on_gradient_update(self, gradients):
        return [tf.clip_by_value(g, -self.clip_value, self.clip_value) for g in gradients]


keras.utils.set_random_seed(3)

# estimate the worst radius of a cell nucleus from everything else
cells = load_breast_cancer().data.astype("float32")
y = cells[:, 20]
X = cells[:, [k for k in range(30) if k != 20]]  # <- here

inputs = keras.Input(shape=(X.shape[1],))
x = keras.layers.Dense(16, activation="leaky_relu")(inputs)
outputs = keras.layers.Dense(1)(x)

model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001, momentum=0.9), loss="mse")
model.fit(X, y, epochs=3, batch_size=32, callbacks=[GradientClippingCallback(0.5)], verbose=2)  # <- or here
