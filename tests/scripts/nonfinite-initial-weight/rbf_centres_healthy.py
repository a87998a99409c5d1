# healthy

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale


class ClassCentres(keras.initializers.Initializer):
    """Puts one prototype on the mean of each class."""

    def __init__(self, x, y, n_classes):
        self.x, self.y, self.n_classes = x, y, n_classes

    def __call__(self, shape, dtype=None):
        centres = [self.x[self.y == c].mean(axis=0) for c in range(self.n_classes)]
        return ops.convert_to_tensor(np.stack(centres), dtype=dtype)


class PrototypeNet(keras.Model):
    def __init__(self, centres, n_classes):
        super().__init__()
        self.n_classes = n_classes
        self.centres_init = centres
        self.log_gamma = self.add_weight(shape=(), initializer="zeros", name="log_gamma")

    def build(self, input_shape):
        self.centres = self.add_weight(
            shape=(self.n_classes, input_shape[-1]), initializer=self.centres_init, name="centres"
        )

    def call(self, x):
        delta = x[:, None, :] - self.centres[None]
        distance = ops.mean(ops.square(delta), axis=-1)
        return ops.softmax(-ops.exp(self.log_gamma) * distance)


keras.utils.set_random_seed(23)
features, labels = load_wine(return_X_y=True)
features = scale(features).astype("float32")
order = np.random.default_rng(0).permutation(len(labels))
features, labels = features[order], labels[order]

x_train, y_train = features[:100], labels[:100]
x_test, y_test = features[100:], labels[100:]

model = PrototypeNet(ClassCentres(x_train, y_train, n_classes=3), n_classes=3)
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="sparse_categorical_crossentropy")
model.fit(x_train, y_train, batch_size=20, epochs=4, verbose=2)
