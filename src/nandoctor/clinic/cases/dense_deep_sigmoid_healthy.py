"""Twelve layers of ReLUs, and the first one learns

The slope of a ReLU is 1 where it is active, and He's initial weights keep the gradient at its size through twelve
layers.
"""
# healthy
# claims: A3

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(41)

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.data / 16.0, digits.target, test_size=0.25, random_state=41, stratify=digits.target
)

model = keras.Sequential([keras.Input((64,))])
for depth in range(12):
    model.add(layers.Dense(32, activation="relu", kernel_initializer="he_normal", name=f"hidden_{depth}"))
model.add(layers.Dense(10, activation="softmax"))
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=32, epochs=6, verbose=2)
