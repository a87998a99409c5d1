# healthy

import numpy as np
import tensorflow as tf
import keras

FEATURES, HIDDEN = 12, 48


def read_customers(n=960, seed=29):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, FEATURES)).astype("float32")
    churn = (x[:, 0] + 0.5 * rng.normal(size=n) > 0.4).astype("float32")
    euros = rng.lognormal(6.0 + 0.5 * x[:, 1] - 0.7 * churn, 0.6)
    return x, churn, euros


def make_targets(churn, euros):
    log_euros = np.log1p(euros).astype("float32")
    return {"churn": churn[:, None], "value": log_euros[:, None]}


class TwoHeads(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.trunk = [keras.layers.Dense(HIDDEN, activation="relu") for _ in range(3)]
        self.churn = keras.layers.Dense(1, activation="sigmoid", name="churn")
        self.value = keras.layers.Dense(1, name="value")

    def call(self, x):
        for dense in self.trunk:
            x = dense(x)
        return {"churn": self.churn(x), "value": self.value(x)}


def main():
    keras.utils.set_random_seed(29)
    x, churn, euros = read_customers()
    dataset = tf.data.Dataset.from_tensor_slices((x, make_targets(churn, euros)))
    dataset = dataset.batch(40).prefetch(2)
    model = TwoHeads()
    model.compile(
        optimizer=keras.optimizers.SGD(5e-3, momentum=0.9, nesterov=True),
        loss={"churn": "binary_crossentropy", "value": "mean_squared_error"},
        loss_weights={"churn": 1.0, "value": 0.1},
        jit_compile=True,
    )
    model.fit(dataset, epochs=2, verbose=2)


if __name__ == "__main__":
    main()
