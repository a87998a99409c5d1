"""Raw features and plain SGD: the loss runs away

Proline goes up to 1,680 mg/l and magnesium to 162 while other columns are below 1. With raw columns each SGD step
overshoots further than the one before, until the loss overflows and is NaN.
"""
# cause: unscaled-input
# phase: forward
# rows: any
# step: any

import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(42)

# predict the alcohol content from the other twelve measurements
wine = load_wine(as_frame=True).frame.drop(columns="target")
y = wine.pop("alcohol").to_numpy("float32") - 13.0
x = wine.to_numpy("float32")  # <- here
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)

model = keras.Sequential([
    keras.Input((x.shape[1],)),
    layers.Dense(16, activation="relu"),
    layers.Dense(8, activation="relu"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse", metrics=["mae"])
model.fit(  # <- or here
    x_train,
    y_train,
    validation_data=(x_test, y_test),
    batch_size=16,
    epochs=5,
    verbose=2,
)
