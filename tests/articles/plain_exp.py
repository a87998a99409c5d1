# cause: exp-overflow
# phase: backward
# rows: 1, 2, 3, 7, 10
# step: 1
# note: the sigmoid by hand is finite (1 / inf is 0), but exp overflows for outliers, and the gradient is 0 * inf

"""A soft decision tree stump: every node asks `feature < threshold` with a steep sigmoid."""

import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(10)


def steep_sigmoid(x, beta=40.0):
    return 1.0 / (1.0 + tf.exp(-beta * x))  # <- here


class SoftStumps(layers.Layer):
    """One learned threshold for each feature."""

    def build(self, input_shape):
        self.threshold = self.add_weight(name="threshold", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs):
        return steep_sigmoid(self.threshold - inputs)


x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=10)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

model = keras.Sequential(
    [
        keras.Input((30,)),
        SoftStumps(),
        layers.Dense(8, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=16, epochs=2, shuffle=False, verbose=2)
