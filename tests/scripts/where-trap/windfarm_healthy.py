# healthy

"""Grey-box power model: net -> hub wind speed -> power curve -> MW."""
import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(31)
CUT_IN, RATED, P_RATED = 3.0, 12.0, 3.6


class PowerCurve(keras.layers.Layer):
    """Between cut-in and rated speed the output follows c * (v - v0)^1.5."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.coef = P_RATED / (RATED - CUT_IN) ** 1.5

    def call(self, v):
        ramp = self.coef * tf.pow(tf.maximum(v - CUT_IN, 0.0), 1.5)
        p = tf.where(v < CUT_IN, tf.zeros_like(v), ramp)
        return tf.minimum(p, P_RATED)


class GreyBox(keras.Model):
    def __init__(self):
        super().__init__()
        self.trunk = keras.Sequential(
            [
                keras.layers.Dense(32, activation="swish"),
                keras.layers.Dense(32, activation="swish"),
                keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(8.0)),
            ]
        )
        self.curve = PowerCurve()
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.bias_tracker = keras.metrics.Mean(name="energy_bias")

    def call(self, x, training=False):
        return self.curve(self.trunk(x, training=training))

    @property
    def metrics(self):
        return [self.loss_tracker, self.bias_tracker]

    def point_and_energy(self, mw, pred):
        point = tf.reduce_mean(tf.abs(mw - pred))
        energy = tf.abs(tf.reduce_mean(mw) - tf.reduce_mean(pred))
        return point + 0.2 * energy, energy

    def train_step(self, data):
        x, mw = data
        with tf.GradientTape() as tape:
            pred = self(x, training=True)
            loss, energy = self.point_and_energy(mw, pred)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.bias_tracker.update_state(energy)
        return {m.name: m.result() for m in self.metrics}


def scada(n=3000):
    r = np.random.default_rng(31)
    met = r.weibull(2.1, n) * 8.5
    shear = r.normal(0.14, 0.03, n)
    temp = r.normal(9, 6, n)
    direction = r.uniform(0, 2 * np.pi, n)
    hub = met * (100 / 60) ** shear * (1 - 0.08 * (np.cos(direction) > 0.8))
    ramp = np.clip(hub - CUT_IN, 0, None) ** 1.5 * P_RATED / (RATED - CUT_IN) ** 1.5
    mw = np.minimum(ramp, P_RATED) + r.normal(0, 0.03, n)
    x = np.stack([met, shear, temp, np.sin(direction), np.cos(direction)], 1)
    x = (x - x.mean(0)) / x.std(0)
    return x.astype("float32"), mw[:, None].astype("float32")


x, mw = scada()
ds = tf.data.Dataset.from_tensor_slices((x, mw)).shuffle(3000, seed=2).batch(100)
model = GreyBox()
model.compile(optimizer=keras.optimizers.Adam(3e-3))
h = model.fit(ds, epochs=6, verbose=0)
for k, v in h.history.items():
    print(k, [round(float(t), 4) for t in v])
