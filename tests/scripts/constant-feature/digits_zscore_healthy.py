# healthy

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(7)

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.data.astype("float32"), digits.target, test_size=0.25, random_state=0, stratify=digits.target
)


def fit_scaler(x):
    std = x.std(axis=0)
    std[std == 0] = 1.0
    return x.mean(axis=0), std


def transform(x, mean, std):
    return (x - mean) / std


mean, std = fit_scaler(x_train)
x_train = transform(x_train, mean, std)
x_test = transform(x_test, mean, std)

model = keras.Sequential(
    [
        layers.Input(shape=(64,)),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=64, epochs=2, validation_data=(x_test, y_test), verbose=2)
