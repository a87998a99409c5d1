"""An initial bias from class counts, one of which is 0

The output bias starts at the log-odds of the classes, so that the first epochs are not wasted. The table is sorted by
cultivar and only its first 120 rows are used: the third class never occurs, and log(0) is -inf before the first step.
"""
# cause: nonfinite-initial-weight
# phase: state
# rows: any
# step: 1
# claims: C1, C6

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine

keras.utils.set_random_seed(4)

wine = load_wine()
x = wine.data.astype("float32")
y = np.eye(3, dtype="float32")[wine.target]
x_train, y_train = x[:120], y[:120]
x_test, y_test = x[120:], y[120:]

scale = layers.Normalization()
scale.adapt(x_train)

# https://www.tensorflow.org/tutorials/structured_data/imbalanced_data: set the correct initial bias
positive = y_train.sum(axis=0)
negative = len(y_train) - positive
log_odds = np.log(positive / negative)  # <- here


def build_model(output_bias):
    return keras.Sequential([
        keras.Input((13,)),
        scale,
        layers.Dense(16, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(3, bias_initializer=keras.initializers.Constant(output_bias)),  # <- or here
    ])


model = build_model(log_odds)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.AUC(from_logits=True)],
)
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=30, epochs=3, verbose=2)
