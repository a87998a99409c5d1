# healthy

"""Optical density of a fed-batch fermentation from the controller log (XLA loop)."""
import numpy as np
import tensorflow as tf
import keras
from keras import ops

STEPS = 300


class BiomassCell(keras.layers.Layer):
    """Biomass grows with a rate set by the inputs, feed adds to it."""

    def __init__(self, units, **kw):
        super().__init__(**kw)
        self.units = units
        self.state_size = units
        self.output_size = units

    def build(self, shape):
        d = shape[-1]
        self.w_rate = self.add_weight(shape=(d, self.units), initializer="glorot_uniform", name="w_rate")
        self.b_rate = self.add_weight(shape=(self.units,), initializer="zeros", name="b_rate")
        self.w_feed = self.add_weight(shape=(d, self.units), initializer="glorot_uniform", name="w_feed")

    def call(self, x, states):
        biomass = states[0]
        rate = ops.sigmoid(ops.matmul(x, self.w_rate) + self.b_rate)
        feed = ops.relu(ops.matmul(x, self.w_feed))
        biomass = biomass * rate + feed
        return biomass, [biomass]


def controller_log(n, seed):
    r = np.random.default_rng(seed)
    temp = r.normal(0, 1, (n, 1, 1)) + 0.1 * r.normal(0, 1, (n, STEPS, 1))
    stir = np.cumsum(r.normal(0, 0.05, (n, STEPS, 1)), axis=1)
    oxygen = np.tanh(stir) + 0.1 * r.normal(0, 1, (n, STEPS, 1))
    x = np.concatenate([temp, stir, oxygen], -1)
    drive = 0.6 - 0.2 * temp[:, :, 0] ** 2 + 0.3 * oxygen[:, :, 0]
    od = np.log1p(np.exp(drive.mean(1)))
    od = (od - od.mean()) / od.std()
    return x.astype("float32"), od[:, None].astype("float32")


def build():
    inp = keras.Input((STEPS, 3))
    h = keras.layers.RNN(BiomassCell(12))(inp)
    h = keras.layers.Lambda(lambda t: ops.log1p(t))(h)
    return keras.Model(inp, keras.layers.Dense(1)(h))


keras.utils.set_random_seed(15)
x, od = controller_log(160, 15)
model = build()
optimizer = keras.optimizers.Adam(1e-3)
optimizer.build(model.trainable_variables)


@tf.function(jit_compile=True)
def train_step(xb, yb):
    with tf.GradientTape() as tape:
        pred = model(xb, training=True)
        loss = tf.reduce_mean(tf.square(pred - yb))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(grads, model.trainable_variables)
    return loss


data = tf.data.Dataset.from_tensor_slices((x, od)).shuffle(160, seed=0).batch(32, drop_remainder=True)
for epoch in range(3):
    for i, (xb, yb) in enumerate(data):
        value = train_step(xb, yb)
    print("epoch", epoch, "last loss", float(value))
