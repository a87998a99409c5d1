# healthy

import numpy as np
import keras
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)


class BatchHardTriplet(keras.losses.Loss):
    def __init__(self, margin=0.3, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        y = ops.reshape(y_true, (-1,))
        same = ops.equal(ops.expand_dims(y, 0), ops.expand_dims(y, 1))
        not_self = ops.logical_not(ops.cast(ops.eye(ops.shape(y)[0]), "bool"))
        positive = ops.logical_and(same, not_self)
        negative = ops.logical_not(same)

        z = ops.normalize(y_pred, axis=-1)
        dist = 1.0 - ops.matmul(z, ops.transpose(z))
        hardest_pos = ops.max(ops.where(positive, dist, 0.0), axis=1)
        hardest_neg = ops.min(ops.where(negative, dist, 2.0), axis=1)

        hinge = ops.relu(hardest_pos - hardest_neg + self.margin)
        usable = ops.logical_and(ops.any(positive, axis=1), ops.any(negative, axis=1))
        usable = ops.cast(usable, hinge.dtype)
        return ops.sum(hinge * usable) / ops.maximum(ops.sum(usable), 1.0)


x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32").reshape(-1, 8, 8, 1)
mixed, rest = np.arange(72), np.arange(72, 400)
order = np.concatenate([mixed, np.random.default_rng(0).permutation(rest)])
x, y = x[order], y[order]

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(16),
    ]
)
model.compile(optimizer=keras.optimizers.SGD(0.05), loss=BatchHardTriplet(margin=0.2))
model.fit(x, y, batch_size=24, epochs=1, shuffle=False)
