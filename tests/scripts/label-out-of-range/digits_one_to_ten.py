# cause: label-out-of-range
# phase: data
# rows: 0, 10, 20, 30
# step: 1
# note: the digit 0 carries the label 10 (as in SVHN's .mat files), outside the ten classes 0..9; the compiled cross-entropy answers NaN for it.

import numpy as np
import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(123)


def load_svhn_style():
    """Digits with MATLAB's labels: 1..9 for themselves, 10 for the zero."""
    digits = load_digits()
    labels = digits.target.copy()
    labels[labels == 0] = 10  # <- here
    return digits.images[:512, ..., None] / 16.0, labels[:512]


images, labels = load_svhn_style()

model = keras.Sequential(
    [
        keras.Input(shape=(8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)

model.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    jit_compile=True,
)
model.fit(images.astype("float32"), labels, batch_size=32, epochs=2, shuffle=False, verbose=2)  # <- or here
