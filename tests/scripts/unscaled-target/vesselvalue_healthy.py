# healthy

"""Second-hand vessel appraisal (asking price in USD)."""
import os

import numpy as np
import tensorflow as tf
import keras
from keras import layers

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TYPES = ["bulker", "tanker", "container", "ro-ro", "reefer"]


def load_sales(n=1800, seed=5):
    r = np.random.default_rng(seed)
    kind = r.integers(0, len(TYPES), n)
    age = r.uniform(0, 28, n)
    log_dwt = r.normal(10.4, 0.7, n)
    engine_kw = np.exp(0.6 * log_dwt + r.normal(2.9, 0.15, n))
    surveys = r.poisson(2.0, n)
    premium = np.array([1.0, 1.25, 1.4, 1.1, 0.8])[kind]
    price = 900.0 * np.exp(log_dwt * 0.93) * premium * np.exp(-0.07 * age)
    price *= np.exp(r.normal(0, 0.12, n))
    numeric = np.stack([age, log_dwt, np.log(engine_kw), surveys], 1)
    return kind.astype("int32"), numeric.astype("float32"), price.astype("float32")


def as_dataset(kind, numeric, price, batch, shuffle):
    ds = tf.data.Dataset.from_tensor_slices(
        ({"kind": kind, "numeric": numeric}, price[:, None])
    )
    if shuffle:
        ds = ds.shuffle(2048, seed=1)
    return ds.batch(batch, drop_remainder=shuffle).prefetch(2)


def build(norm):
    kind = keras.Input((), dtype="int32", name="kind")
    numeric = keras.Input((4,), name="numeric")
    k = layers.Embedding(len(TYPES), 4)(kind)
    x = layers.Concatenate()([k, norm(numeric)])
    x = layers.Dense(48, activation="elu")(x)
    x = layers.Dense(24, activation="elu")(x)
    price = layers.Dense(1, name="price")(x)
    return keras.Model({"kind": kind, "numeric": numeric}, price)


def main():
    keras.utils.set_random_seed(3)
    kind, numeric, price = load_sales()
    split = 1440
    price = (price - price[:split].mean()) / price[:split].std()
    norm = layers.Normalization()
    norm.adapt(numeric[:split])

    train = as_dataset(kind[:split], numeric[:split], price[:split], 48, True)
    valid = as_dataset(kind[split:], numeric[split:], price[split:], 48, False)

    model = build(norm)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.005, momentum=0.9),
        loss="mse",
        metrics=[keras.metrics.MeanAbsolutePercentageError(name="mape")],
    )
    history = model.fit(train, validation_data=valid, epochs=6, verbose=2)
    print(history.history["loss"])


if __name__ == "__main__":
    main()
