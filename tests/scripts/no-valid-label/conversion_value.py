# cause: no-valid-label
# phase: forward
# rows: 0-31
# step: 422
# note: a batch without one buyer, in the fourth epoch: the value is averaged over nothing

# two-headed marketing model: P(convert) and expected basket value given conversion
import numpy as np
import tensorflow as tf
from tensorflow import keras

tf.keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)

N = 4000
visits = rng.poisson(3, N)
minutes = rng.gamma(2.0, 3.0, N)
returning = rng.integers(0, 2, N)
hour = rng.integers(0, 24, N)
lin = 0.25 * visits + 0.05 * minutes + 0.6 * returning - 3.2
converted = rng.random(N) < 1 / (1 + np.exp(-lin))
basket = np.where(converted, np.exp(2.5 + 0.1 * visits + rng.normal(0, 0.4, N)), 0.0)
print("conversion rate", converted.mean())

X = np.stack([visits, minutes, returning, hour], axis=1).astype("float32")
X = (X - X.mean(0)) / X.std(0)
y_conv = converted.astype("float32")
y_val = np.log1p(basket.astype("float32"))


class TwoHead(keras.Model):
    def __init__(self, inputs, outputs, value_weight=0.5):
        super().__init__(inputs=inputs, outputs=outputs)
        self.value_weight = value_weight
        self.bce = keras.losses.BinaryCrossentropy(from_logits=True)
        self.track = {k: keras.metrics.Mean(name=k) for k in ("loss", "conv", "value")}

    @property
    def metrics(self):
        return list(self.track.values())

    def train_step(self, data):
        x, (conv, value) = data
        with tf.GradientTape() as tape:
            logit, value_hat = self(x, training=True)
            conv_loss = self.bce(conv[:, None], logit)
            buyers = conv > 0.5
            err = tf.boolean_mask(value_hat[:, 0] - value, buyers)  # <- or here
            value_loss = tf.reduce_mean(tf.square(err))  # <- here
            total = conv_loss + self.value_weight * value_loss
        grads = tape.gradient(total, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        for k, v in (("loss", total), ("conv", conv_loss), ("value", value_loss)):
            self.track[k].update_state(v)
        return {k: m.result() for k, m in self.track.items()}


inp = keras.Input((X.shape[1],))
h = keras.layers.Dense(32, activation="relu")(inp)
h = keras.layers.Dense(16, activation="relu")(h)
model = TwoHead(inp, [keras.layers.Dense(1, name="conv")(h), keras.layers.Dense(1, name="value")(h)])
model.compile(optimizer=keras.optimizers.Adam(2e-3), jit_compile=False)

ds = tf.data.Dataset.from_tensor_slices((X, (y_conv, y_val))).shuffle(N, seed=1).batch(32)
log = model.fit(ds, epochs=4, verbose=2)
print(log.history["loss"])
