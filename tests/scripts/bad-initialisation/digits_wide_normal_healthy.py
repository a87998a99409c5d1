# healthy

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(3)

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")


def dense(units, name):
    return layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)


inputs = keras.Input(shape=(64,))
h = inputs
for i in range(8):
    h = dense(64, f"hidden{i}")(h)
outputs = layers.Dense(10, name="logits")(h)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(x[:640], y[:640], batch_size=64, epochs=3, verbose=2)
