"""The entropy of a sharpened softmax takes the log of 0

Pseudo-labels are sharpened with a temperature of 0.02, and a penalty on their entropy is to keep them confident. In
float32 a softmax is exactly 0 for a class that lies 104 below the best one, and 0 * log(0) is NaN.
"""
# cause: log-of-zero
# phase: forward
# rows: any
# step: 1
# claims: C1

import keras
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TEMPERATURE = 0.02
ENTROPY_WEIGHT = 0.1

keras.utils.set_random_seed(17)

digits = load_digits()
images = (digits.data / 16.0).astype("float32")
labels = digits.target.astype("int32")
x_train, x_valid, y_train, y_valid = train_test_split(images, labels, test_size=0.25, random_state=17)


class ConfidentLoss(keras.losses.Loss):
    """Cross-entropy plus the entropy of the sharpened prediction."""

    def call(self, y_true, y_pred):
        error = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        sharp = ops.softmax(y_pred / TEMPERATURE)
        entropy = -ops.sum(sharp * ops.log(sharp), axis=-1)  # <- here
        return error + ENTROPY_WEIGHT * entropy


inputs = keras.Input((64,))
h = layers.Dense(64, activation="relu")(inputs)
h = layers.Dense(64, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(10)(h))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=ConfidentLoss(), metrics=["accuracy"])

train = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(2000, seed=17).batch(64)
valid = tf.data.Dataset.from_tensor_slices((x_valid, y_valid)).batch(128)
model.fit(train, validation_data=valid, epochs=3, verbose=2)
