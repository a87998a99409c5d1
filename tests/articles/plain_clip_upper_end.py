# cause: log-of-zero
# phase: forward
# rows: any
# step: any
# note: the clip to (epsilon, 1.0) lets a probability of exactly 1 pass, and log(1 - p) is log(0)

import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(21)


class SafeBinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy that cannot become NaN."""

    def __init__(self, epsilon=1e-10, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        y_pred = tf.clip_by_value(y_pred, self.epsilon, 1.0)  # <- or here
        return -tf.reduce_mean(
            y_true * tf.math.log(y_pred) + (1 - y_true) * tf.math.log(1 - y_pred),  # <- here
            axis=-1,
        )


# one yes/no question for each digit
digits = load_digits()
x = (digits.data / 16).astype("float32")
y = keras.utils.to_categorical(digits.target, 10)

model = keras.Sequential(
    [
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(5e-2), loss=SafeBinaryCrossentropy(), metrics=["categorical_accuracy"])
model.fit(x, y, epochs=4, batch_size=64, shuffle=False, verbose=2)
