# healthy

import numpy as np
import keras
from keras import layers
from keras import ops
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(13)

digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., np.newaxis]
x_train, x_val, y_train, y_val = train_test_split(images, digits.target, test_size=0.2, random_state=0)


def negative_log_likelihood(y_true, y_pred):
    onehot = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), 10)
    return ops.mean(-ops.sum(onehot * ops.log(ops.maximum(y_pred, 1e-7)), axis=1))


model = keras.Sequential()
model.add(layers.Input(shape=(8, 8, 1)))
model.add(layers.Conv2D(8, 3, activation="relu"))
model.add(layers.MaxPooling2D())
model.add(layers.Flatten())
model.add(layers.Dense(10, activation="softmax"))

model.compile(
    optimizer="adam",
    loss=negative_log_likelihood,
    metrics=["sparse_categorical_accuracy"],
)
model.fit(x_train[:512], y_train[:512], batch_size=64, epochs=2, validation_data=(x_val, y_val))
