# cause: excessive-regularisation
# phase: forward
# rows: any
# step: any
# note: weight_decay was meant as 4e-3 and written as 4e3: rate times decay is 40, so every step multiplies the weights by -39.

import keras
from keras import layers
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(6)

x, y = make_regression(n_samples=768, n_features=16, noise=3.0, random_state=2)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y.reshape(-1, 1))

inputs = keras.Input((16,))
h = layers.Dense(24, activation="gelu")(inputs)
h = layers.Dense(24, activation="gelu")(h)
model = keras.Model(inputs, layers.Dense(1)(h))

optimizer = keras.optimizers.SGD(learning_rate=0.01, weight_decay=4e3)  # <- here
model.compile(optimizer=optimizer, loss="mse")
model.fit(x, y, batch_size=32, epochs=10, verbose=2)
