# healthy

"""Pretrain on the even digits, freeze the body, then fine-tune the same model on all of them."""
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits


def prepare():
    digits = load_digits()
    x = (digits.data / 16.0).astype("float32")
    even = digits.target % 2 == 0
    return x, digits.target, even


def build_model():
    body = keras.Sequential(
        [keras.Input((64,)), layers.Dense(48, activation="relu"), layers.BatchNormalization()], name="body"
    )
    inputs = keras.Input((64,))
    outputs = layers.Dense(10, activation="softmax", name="head")(body(inputs))
    return keras.Model(inputs, outputs), body


keras.utils.set_random_seed(101)
x, y, even = prepare()
model, body = build_model()

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[even][:480], y[even][:480], batch_size=48, epochs=1, verbose=2)
model.fit(x[even][:480], y[even][:480], batch_size=48, initial_epoch=1, epochs=2, verbose=2)

body.trainable = False
model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
schedule = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5 if epoch else lr)
history = model.fit(x[:640], y[:640], batch_size=64, epochs=2, callbacks=[schedule], verbose=2)
print("best accuracy", np.max(history.history["accuracy"]))
