# cause: excessive-regularisation
# phase: forward
# rows: any
# step: any
# note: l2(300) with a rate of 0.01 multiplies the kernel by -5 at every step.

import keras
from keras import layers, regularizers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)

x, y = load_diabetes(return_X_y=True)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y.reshape(-1, 1))

model = keras.Sequential([
    keras.Input((10,)),
    layers.Dense(32, activation="relu"),
    layers.Dense(32, activation="relu", kernel_regularizer=regularizers.L2(300.0)),  # <- here
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse", metrics=["mae"])
model.fit(x, y, batch_size=32, epochs=20, verbose=2)
