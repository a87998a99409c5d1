"""Small trainings for the tests of the guard. Each makes a fresh, seeded model and its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Fit = Callable[..., Any]


def data(rows: int = 70, features: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, features)).astype("float32"), rng.integers(0, 3, rows)


def batchnorm_dropout(**compile_options: Any) -> tuple[Any, Fit]:
    """Moving statistics, random state, metrics, a ragged last batch (70 rows in batches of 16).

    No ReLU: on some processors it turns NaN into 0, and a validation would be finite.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Input((12,)),
            layers.Dense(16, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"], **compile_options)
    x, y = data()
    return model, lambda **options: model.fit(x, y, batch_size=16, epochs=3, verbose=0, **options)


def custom_train_step(**compile_options: Any) -> tuple[Any, Fit]:
    """A subclassed model, built by its first batch, with a train step and clipping of its own."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(2)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = layers.Dense(8, activation="tanh"), layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.out(self.hidden(x))

        def train_step(self, batch: Any) -> dict[str, Any]:
            x, y = batch
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True)[:, 0] - tf.cast(y, tf.float32)) ** 2)
            grads, _ = tf.clip_by_global_norm(tape.gradient(loss, self.trainable_variables), 1.0)
            self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Net()
    model.compile(keras.optimizers.RMSprop(1e-2), **compile_options)
    x, y = data()
    return model, lambda **options: model.fit(x, y, batch_size=16, epochs=3, verbose=0, **options)


def sparse_embedding(**compile_options: Any) -> tuple[Any, Fit]:
    """Sparse gradients, tf.data, weight decay, clipping in the optimizer."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(3)
    model = keras.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(40, 6), layers.Flatten()])
    model.add(layers.Dense(1))
    model.compile(keras.optimizers.AdamW(1e-2, weight_decay=1e-3, global_clipnorm=1.0), "mse", **compile_options)
    rng = np.random.default_rng(4)
    ids, y = rng.integers(0, 40, (50, 5)), rng.normal(size=50).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((ids, y)).shuffle(50, seed=1).batch(8)
    return model, lambda **options: model.fit(dataset, epochs=3, verbose=0, **options)


def breaks_at_step_4(**compile_options: Any) -> tuple[Any, Fit]:
    """Row 5 of batch 4 is 0 throughout: its norm has no gradient. The loss stays finite."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = layers.Input((12,))
    hidden = layers.BatchNormalization(center=False)(layers.Dropout(0.2)(inputs))
    norm = layers.Lambda(lambda t: tf.sqrt(tf.reduce_sum(tf.square(t), axis=-1, keepdims=True)))
    scale = layers.Dense(12, use_bias=False)(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Concatenate()([norm(scale), hidden])))
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"], **compile_options)
    x, y = data(96)
    x[3 * 16 + 5] = 0.0
    return model, lambda **options: model.fit(
        x, y.astype("float32"), batch_size=16, epochs=2, verbose=0, shuffle=False, **options
    )


def two_optimizers(**compile_options: Any) -> tuple[Any, Fit]:
    """A GAN: two optimizers in one step, neither of them compiled."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(4)

    class Gan(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.maker = keras.Sequential([layers.Input((4,)), layers.Dense(12)])
            self.judge = keras.Sequential([layers.Input((12,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
            self.maker_optimizer = keras.optimizers.Adam(1e-3)
            self.judge_optimizer = keras.optimizers.SGD(1e-2, momentum=0.9)
            self.built = True

        def train_step(self, batch: Any) -> dict[str, Any]:
            real, _ = batch
            noise = keras.random.normal((tf.shape(real)[0], 4), seed=3)
            with tf.GradientTape(persistent=True) as tape:
                fake = self.judge(self.maker(noise))
                judged = tf.reduce_mean(tf.nn.softplus(fake)) + tf.reduce_mean(tf.nn.softplus(-self.judge(real)))
                made = tf.reduce_mean(tf.nn.softplus(-fake))
            weights = self.judge.trainable_variables
            self.judge_optimizer.apply_gradients(zip(tape.gradient(judged, weights), weights, strict=True))
            weights = self.maker.trainable_variables
            self.maker_optimizer.apply(tape.gradient(made, weights), weights)
            return {"judge_loss": judged, "maker_loss": made}

    model = Gan()
    model.compile(**compile_options)
    x, y = data()
    return model, lambda **options: model.fit(x, y, batch_size=16, epochs=3, verbose=0, **options)


def on_two_replicas(**compile_options: Any) -> tuple[Any, Fit]:
    """A MirroredStrategy over two logical CPUs."""
    import tensorflow as tf

    if len(tf.config.list_logical_devices("CPU")) < 2:
        raise RuntimeError("call split_cpu first")
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model, _ = batchnorm_dropout(**compile_options)
    x, y = data(64)
    return model, lambda **options: model.fit(x, y, batch_size=16, epochs=3, verbose=0, **options)


def split_cpu() -> None:
    """Two logical devices out of one; only possible before TensorFlow is used."""
    import tensorflow as tf

    half = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [half, half])


def loss_scaled(**compile_options: Any) -> tuple[Any, Fit]:
    """Half precision under a loss scaler that overflows at the start, and again each time it has doubled its scale."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    half = keras.DTypePolicy("mixed_float16")
    model = keras.Sequential(
        [layers.Input((12,)), layers.Dense(16, "relu", dtype=half), layers.Dense(3, dtype="float32")]
    )
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(1e-2), initial_scale=2.0**22, dynamic_growth_steps=2
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **compile_options)
    x, y = data()
    return model, lambda **options: model.fit(x, y, batch_size=16, epochs=4, verbose=0, **options)
