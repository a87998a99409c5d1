"""A warm-up that never ends

A callback raises the learning rate by a half before every epoch, "to warm up". It has no end: after a dozen epochs of
healthy training the rate is above what the network can bear, and the loss grows from step to step.
"""
# cause: learning-rate-too-high
# phase: forward
# rows: any
# step: any
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
    return rate * 1.5  # <- or here


model = keras.Sequential([
    keras.Input((4,)),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(64, activation="leaky_relu"),
    layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.005, momentum=0.9), loss="mse")  # <- here
model.fit(
    x,
    y,
    batch_size=40,
    epochs=20,
    callbacks=[keras.callbacks.LearningRateScheduler(warm_up)],  # <- or here
    verbose=2,
)
