# cause: exploding-gradients
# phase: forward
# rows: any
# step: any
# note: 18 residual blocks without any normalisation multiply the signal, so the first gradient is already astronomically large and no learning rate saves it.

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(11)

DEPTH = 18
WIDTH = 32


def residual_block(x, name):
    h = layers.Dense(WIDTH, activation="relu", kernel_initializer="he_normal", name=f"{name}_dense")(x)  # <- or here
    return layers.Add(name=f"{name}_add")([x, h])  # <- here


def build_model():
    inputs = keras.Input(shape=(64,))
    x = layers.Dense(WIDTH, name="stem")(inputs)
    for i in range(DEPTH):
        x = residual_block(x, f"block{i}")
    outputs = layers.Dense(10, name="logits")(x)
    return keras.Model(inputs, outputs)


x, y = load_digits(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")

model = build_model()
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)
model.fit(x[:640], y[:640], batch_size=64, epochs=2, verbose=2)
