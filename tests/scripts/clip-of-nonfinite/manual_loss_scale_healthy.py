# healthy

"""Half precision classifier with a loss scale that skips overflowed steps."""
import keras
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler


class HalfPrecisionModel(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.hidden = [keras.layers.Dense(width, activation="relu", dtype="mixed_float16") for _ in range(2)]
        self.head = keras.layers.Dense(1, dtype="mixed_float16")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return tf.cast(self.head(x), tf.float32)


keras.utils.set_random_seed(1234)
x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
y = y.astype("float32")[:, None]

model = HalfPrecisionModel(width=32)
model.compile(
    optimizer=keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=1.0), initial_scale=2.0**15
    ),
    loss=keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum"),
    jit_compile=False,
)
model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=2)
