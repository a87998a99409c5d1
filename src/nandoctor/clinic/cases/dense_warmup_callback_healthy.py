"""A warm-up with an end

The rate rises over the first three epochs and is constant from there on.
"""
# healthy
# claims: C5

import keras
from keras import layers
from sklearn.datasets import make_friedman2
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(46)

x, y = make_friedman2(n_samples=800, noise=20.0, random_state=46)
x = StandardScaler().fit_transform(x)
y = StandardScaler().fit_transform(y[:, None])


def warm_up(epoch, rate):
    """Begin gently, and become faster with each epoch."""
    return rate * 1.5 if epoch < 3 else rate


model = keras.Sequential([
    keras.Input((4,)),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.005, momentum=0.9), loss="mse")
model.fit(
    x,
    y,
    batch_size=40,
    epochs=20,
    callbacks=[keras.callbacks.LearningRateScheduler(warm_up)],
    verbose=2,
)
