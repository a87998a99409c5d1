# cause: nonfinite-target
# phase: data
# rows: 33
# step: 7
# note: one listing is given away for 0, its log price is -inf and so are the squared error and the gradients.

import numpy as np
import keras
from keras import layers
from sklearn.datasets import make_regression

keras.utils.set_random_seed(5)

X, score = make_regression(n_samples=500, n_features=8, n_informative=6, random_state=5)
score = (score - score.mean()) / score.std()
price = np.round(40.0 * np.exp(0.8 * score), 2)
price[333] = 0.0  # "free to collector"

# Prices are heavy-tailed: train on the logarithm
y = np.log(price)  # <- here

inputs = keras.Input(shape=(8,))
x = layers.Dense(24, activation="relu")(inputs)
x = layers.Dense(24, activation="relu")(x)
outputs = layers.Dense(1)(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse", metrics=["mae"])
history = model.fit(X, y, batch_size=50, epochs=2, validation_split=0.2, shuffle=False, verbose=2)  # <- or here
print("final loss:", history.history["loss"][-1])
