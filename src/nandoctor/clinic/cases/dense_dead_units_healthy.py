"""The same network with standardised features

A Normalization layer brings all features to the same scale; at the same rate the units stay alive, and the network
learns.
"""
# healthy
# claims: C5, A3

import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(43)

x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=43, stratify=y)

scale = layers.Normalization()
scale.adapt(x_train)

model = keras.Sequential([
    keras.Input((30,)),
    scale,
    layers.Dense(32, activation="relu", name="hidden_1"),
    layers.Dense(16, activation="relu", name="hidden_2"),
    layers.Dense(1, activation="sigmoid", name="benign"),
])
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=32, epochs=8, verbose=2)
