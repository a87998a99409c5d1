# healthy

"""Rare defect detection: the recall of a batch without a defect is 0/0, only a display value."""
import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(30)


def batch_recall(y_true, y_pred):
    hit = ops.sum(y_true * ops.round(y_pred))
    return hit / ops.sum(y_true)


class PositiveMean(keras.metrics.Metric):
    """Mean score of the defects in the last batch."""

    def __init__(self, name="defect_score"):
        super().__init__(name=name)
        self.value = self.add_weight(initializer="zeros", name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(y_true, "float32")
        self.value.assign(ops.sum(y_true * y_pred) / ops.sum(y_true))

    def result(self):
        return self.value


rng = np.random.default_rng(14)
x = rng.normal(size=(600, 10)).astype("float32")
y = ((x[:, 0] + x[:, 1]) > 2.6).astype("float32")[:, None]

inputs = keras.Input((10,))
h = layers.Dense(16, activation="relu")(inputs)
outputs = layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss="binary_crossentropy",
    metrics=[batch_recall, PositiveMean()],
)
model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=2)
