"""Raw features and a large rate, and every ReLU is dead

Features of up to 4,000 and a rate of 0.1: the first updates throw the weights so far that no unit of either layer is
positive for any row. A ReLU that is 0 everywhere has no gradient, it never comes back. There is no NaN.
"""
# cause: dead-relu
# phase: none
# rows: any
# step: any
# claims: C5, A3

import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(43)

x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=43, stratify=y)

model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(32, activation="relu", name="hidden_1"),  # <- here
    layers.Dense(16, activation="relu", name="hidden_2"),  # <- or here
    layers.Dense(1, activation="sigmoid", name="benign"),
])
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1),  # <- or here
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=32, epochs=8, verbose=2)
