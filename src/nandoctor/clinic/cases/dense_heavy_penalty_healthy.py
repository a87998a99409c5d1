"""An L2 penalty of 0.001

The same network with a penalty of a usual size: a step multiplies a weight by 0.9999 before it learns from the error.
"""
# healthy
# claims: C7, B6

import keras
from keras import layers, regularizers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(15)

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.data / 16.0, digits.target, test_size=0.3, random_state=15, stratify=digits.target
)

STRENGTH = 1e-3

model = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(64, activation="relu", kernel_regularizer=regularizers.L2(STRENGTH)),
    layers.Dropout(0.3),
    layers.Dense(10, activation="softmax"),
])
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.5),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=64, epochs=4, verbose=2)
