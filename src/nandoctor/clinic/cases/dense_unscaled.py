"""Raw features and plain SGD: the loss runs away

Proline goes up to 1,680 mg/l and magnesium to 162 while other columns stay below 1. With raw columns each SGD step
overshoots further than the one before, and after a few steps the loss overflows and is NaN.
"""
# cause: unscaled-input
# phase: forward
# rows: any
# step: 7
# claims: C5, R8

import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(42)

# predict the alcohol content from the other twelve measurements
wine = load_wine()
x = wine.data[:, 1:].astype("float32")  # <- here
y = wine.data[:, :1].astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)


def build_model():
    model = keras.Sequential([
        keras.Input((x_train.shape[1],)),
        layers.Dense(1),
    ])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001), loss="mse", metrics=["mae"])
    return model


model = build_model()
model.fit(  # <- or here
    x_train,
    y_train,
    validation_data=(x_test, y_test),
    batch_size=16,
    epochs=5,
    verbose=2,
)
