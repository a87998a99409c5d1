"""Standardising pixels, some of which never change

Four pixels at the border are 0 in every training image, so their standard deviation is 0 and the standardised column
is 0 / 0. The training is NaN from its first step, on data that has no missing value.
"""
# cause: constant-feature
# phase: data
# rows: any
# step: 1
# claims: B1, C1

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(2)

x, y = load_digits(return_X_y=True)
x_train, x_valid, y_train, y_valid = train_test_split(x, y, test_size=0.2, random_state=2, stratify=y)

# statistics of the training set only, so that nothing leaks from validation
mu = x_train.mean(axis=0)
sigma = x_train.std(axis=0)
x_train = ((x_train - mu) / sigma).astype("float32")  # <- here
x_valid = ((x_valid - mu) / sigma).astype("float32")

model = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(64, activation="relu"),
    layers.BatchNormalization(),
    layers.Dense(32, activation="relu"),
    layers.Dense(10),
])
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, validation_data=(x_valid, y_valid), batch_size=64, epochs=3, verbose=2)  # <- or here
