# healthy

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler


class BinaryFocalLoss(keras.losses.Loss):
    def __init__(self, gamma=2.0, alpha=0.25, **kwargs):
        super().__init__(**kwargs)
        self.gamma = gamma
        self.alpha = alpha

    def call(self, y_true, y_pred):
        y_true = tf.cast(y_true, y_pred.dtype)
        positive = self._term(y_pred, self.alpha)
        negative = self._term(1.0 - y_pred, 1.0 - self.alpha)
        return tf.reduce_mean(y_true * positive + (1.0 - y_true) * negative, axis=-1)

    def _term(self, p, weight):
        modulation = tf.square(1.0 - p) if self.gamma == 2.0 else tf.pow(1.0 - p, self.gamma)
        return (
            -weight
            * modulation
            * tf.math.log(tf.maximum(p, 1e-7))
        )


class Classifier(keras.Model):
    def __init__(self, units=(24, 12), dropout=0.1):
        super().__init__()
        self.hidden = [layers.Dense(n, activation="swish") for n in units]
        self.dropout = layers.Dropout(dropout)
        self.classify = layers.Dense(1, activation="sigmoid", name="classify")

    def call(self, inputs, training=None):
        x = inputs
        for dense in self.hidden:
            x = self.dropout(dense(x), training=training)
        return self.classify(x)


def main():
    keras.utils.set_random_seed(20)
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, y[:, None])).shuffle(len(x), seed=1).batch(32)
    model = Classifier()
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=BinaryFocalLoss(), jit_compile=False)
    model.fit(data, epochs=2, verbose=2)


if __name__ == "__main__":
    main()
