# healthy

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from tensorflow import keras

keras.utils.set_random_seed(3)
keras.mixed_precision.set_global_policy("mixed_float16")

X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
order = np.random.default_rng(3).permutation(len(X))
X, y = X[order].astype("float32"), y[order].astype("float32")
train = tf.data.Dataset.from_tensor_slices((X[:448], y[:448])).shuffle(448, seed=3).batch(32)
val = tf.data.Dataset.from_tensor_slices((X[448:], y[448:])).batch(32)

inp = keras.Input((30,))
h = keras.layers.Dense(64, activation="relu")(inp)
h = keras.layers.Dense(64, activation="relu")(h)
out = keras.layers.Dense(1, dtype="float32")(h)
model = keras.Model(inp, out)

opt = keras.optimizers.LossScaleOptimizer(
    keras.optimizers.Adam(1e-3), initial_scale=2.0 ** 22, dynamic_growth_steps=60)
opt.build(model.trainable_variables)


def bce(y_true, z):
    z = tf.squeeze(z, -1)
    return tf.reduce_mean(tf.maximum(z, 0.0) - z * y_true + tf.math.log1p(tf.exp(-tf.abs(z))))


@tf.function(reduce_retracing=True)
def train_step(xb, yb):
    with tf.GradientTape() as tape:
        loss = bce(yb, model(xb, training=True))
        scaled = opt.scale_loss(loss)
    grads = tape.gradient(scaled, model.trainable_variables)
    opt.apply_gradients(zip(grads, model.trainable_variables))
    return loss, tf.linalg.global_norm([tf.cast(g, tf.float32) for g in grads])


@tf.function(reduce_retracing=True)
def val_step(xb, yb):
    return bce(yb, model(xb, training=False))


for epoch in range(8):
    losses, skipped = [], 0
    for xb, yb in train:
        loss, norm = train_step(xb, yb)
        losses.append(float(loss))
        skipped += int(not np.isfinite(float(norm)))
    v = np.mean([float(val_step(a, b)) for a, b in val])
    print(f"epoch {epoch}: loss {np.mean(losses):.4f} val {v:.4f} scale {float(opt.dynamic_scale):.0f} overflow {skipped}")
