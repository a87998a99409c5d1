"""Initial weights with a standard deviation of 10

"Start far apart, so that the units do not all learn the same." In a layer of 64 a deviation of 10 multiplies what goes
through by 80; after ten layers the output is 1e17 and the loss 1e33, and the first update is the last.
"""
# cause: bad-initialisation
# phase: forward
# rows: any
# step: any
# claims: C6

import keras
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(4)

x, y = load_diabetes(return_X_y=True)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])

wide = keras.initializers.RandomNormal(stddev=10.0, seed=4)  # <- or here

model = keras.Sequential()
model.add(keras.Input((10,)))
for _ in range(10):
    model.add(layers.Dense(64, activation="relu", kernel_initializer=wide))  # <- here
model.add(layers.Dense(1))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, verbose=2)
