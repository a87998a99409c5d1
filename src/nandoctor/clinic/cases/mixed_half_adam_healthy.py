"""Adam in mixed precision, with weights in float32

The layers compute in float16, but weights, moments and the epsilon are float32 numbers under the policy mixed_float16.
"""
# healthy
# claims: C3, R10

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(26)
keras.mixed_precision.set_global_policy("mixed_float16")

x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
y = y.astype("float32")[:, None]

model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, dtype="float32"),
])
optimizer = keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-7)


def logistic_loss(y_true, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)


model.compile(optimizer=optimizer, loss=logistic_loss)
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
