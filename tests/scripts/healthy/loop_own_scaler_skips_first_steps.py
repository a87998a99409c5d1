# healthy

"""Mixed precision with a loss scale of our own: it starts too high, the first five steps are left out, then it trains."""
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from tensorflow import keras

keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(2)
x, y = load_wine(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
data = tf.data.Dataset.from_tensor_slices((x, y.astype("int32"))).shuffle(178, seed=2).batch(24, drop_remainder=True)


class LossScale:
    """Halved when a gradient overflows, doubled after many good steps."""

    def __init__(self, start, growth=200):
        self.value = tf.Variable(start, trainable=False)
        self.good = tf.Variable(0, trainable=False)
        self.skipped = tf.Variable(0, trainable=False)
        self.growth = growth

    def unscale(self, grads):
        return [tf.cast(g, tf.float32) / self.value for g in grads]

    def update(self, finite):
        if finite:
            self.good.assign_add(1)
            if self.good >= self.growth:
                self.value.assign(self.value * 2.0)
                self.good.assign(0)
        else:
            self.value.assign(self.value / 2.0)
            self.good.assign(0)
            self.skipped.assign_add(1)


model = keras.Sequential([
    keras.Input((13,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(3, dtype="float32")])
optimizer = keras.optimizers.Adam(3e-3)
optimizer.build(model.trainable_variables)
scale = LossScale(2.0 ** 22)
ce = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def train_step(a, b):
    with tf.GradientTape() as tape:
        loss = ce(b, model(a, training=True))
        scaled = loss * scale.value
    grads = scale.unscale(tape.gradient(scaled, model.trainable_variables))
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in grads])
    if finite:
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
    scale.update(finite)
    return loss


for epoch in range(5):
    losses = [float(train_step(a, b)) for a, b in data]
    print(f"epoch {epoch} loss {np.mean(losses):.4f} scale {float(scale.value):.0f} skipped {int(scale.skipped)}")
