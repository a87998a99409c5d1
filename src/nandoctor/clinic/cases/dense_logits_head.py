"""The loss wants probabilities, the model gives logits

The last layer has no activation, because the logits are wanted later. The focal loss that was found on the web expects
probabilities and takes their log: a negative logit makes it NaN in the first step.
"""
# cause: logits-probabilities-mismatch
# phase: forward
# rows: any
# step: 1
# claims: C9, C1

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(38)

x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x)
x_train, x_test, y_train, y_test = train_test_split(x, y.astype("float32")[:, None], test_size=0.2, random_state=38)


def focal_loss(gamma=2.0, alpha=0.25):
    """Focal loss for two classes (Lin et al., 2017)."""

    def loss(y_true, y_pred):
        positive = -alpha * y_true * (1.0 - y_pred) ** gamma * tf.math.log(y_pred)  # <- here
        negative = -(1.0 - alpha) * (1.0 - y_true) * y_pred**gamma * tf.math.log(1.0 - y_pred)  # <- or here
        return tf.reduce_mean(positive + negative, axis=-1)

    return loss


model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(24, activation="relu"),
    layers.Dense(1),  # <- or here
])
model.compile(optimizer="adam", loss=focal_loss(), metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=32, epochs=3, verbose=2)
