"""Initial weights at the scale of the layers

He's initializer draws with a deviation of sqrt(2 / inputs), here 0.18, and the signal keeps its size through ten
layers.
"""
# healthy
# claims: C6

import keras
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(4)

x, y = load_diabetes(return_X_y=True)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])

start = keras.initializers.HeNormal(seed=4)

model = keras.Sequential()
model.add(keras.Input((10,)))
for _ in range(10):
    model.add(layers.Dense(64, activation="relu", kernel_initializer=start))
model.add(layers.Dense(1))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
