# cause: nonfinite-target
# phase: data
# rows: 9
# step: 6
# note: pages without a single visit have the conversion rate 0/0, made batch by batch in the PyDataset.

import math

import numpy as np
import tensorflow as tf
import keras


class PageVisits(keras.utils.PyDataset):
    """Serves (page features, conversion rate) from the raw event counters."""

    def __init__(self, features, visits, sales, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.features, self.visits, self.sales = features, visits, sales
        self.batch_size = batch_size

    def __len__(self):
        return math.ceil(len(self.features) / self.batch_size)

    def __getitem__(self, index):
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        rate = self.sales[part] / self.visits[part]  # <- here
        return self.features[part], rate[:, None].astype("float32")


class RateModel(keras.Model):
    """Squared error on the logit scale is too noisy, so fit the rate directly."""

    def train_step(self, data):
        x, rate = data
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            error = rate - predicted
            loss = tf.reduce_mean(tf.square(error))
        variables = self.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables))
        return {"loss": loss, "rmse": tf.sqrt(loss)}


def main():
    keras.utils.set_random_seed(2024)
    rng = np.random.default_rng(2024)
    features = rng.normal(size=(440, 6)).astype("float32")
    visits = rng.poisson(np.exp(1.7 + 0.4 * features[:, 0]))
    sales = rng.binomial(visits, 1 / (1 + np.exp(1.0 - features[:, 1])))

    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(16, activation="swish")(inputs)
    model = RateModel(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile(optimizer="adam")

    pages = PageVisits(features, visits, sales, batch_size=22)
    model.fit(pages, epochs=2, shuffle=False, verbose=2)  # <- or here


if __name__ == "__main__":
    main()
