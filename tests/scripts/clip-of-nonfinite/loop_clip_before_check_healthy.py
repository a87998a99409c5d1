# healthy

"""Wine classes in half precision. Our own loss scale, gradients clipped, if they are finite."""
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from tensorflow import keras

keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(4)
x, y = load_wine(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
order = np.random.default_rng(4).permutation(len(x))
x, y = x[order], y[order].astype("int32")

model = keras.Sequential([
    keras.Input((13,)),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(3, dtype="float32"),
])
optimizer = keras.optimizers.Adam(3e-3)
optimizer.build(model.trainable_variables)
scale = tf.Variable(2.0 ** 20, trainable=False)
good_steps = tf.Variable(0, trainable=False)


def adapt(finite):
    if finite:
        good_steps.assign_add(1)
        if good_steps % 100 == 0:
            scale.assign(scale * 2.0)
    else:
        scale.assign(scale / 2.0)


@tf.function
def train_step(a, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(b, model(a, training=True), from_logits=True))
        scaled = loss * scale
    grads = [tf.cast(g, tf.float32) / scale for g in tape.gradient(scaled, model.trainable_variables)]
    grads, norm = tf.clip_by_global_norm(grads, 1.0)
    if tf.math.is_finite(norm):
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
    adapt(tf.math.is_finite(norm))
    return loss


for epoch in range(4):
    losses = [train_step(x[i:i + 24], y[i:i + 24]).numpy() for i in range(0, 168, 24)]
    print(f"epoch {epoch}: loss {np.mean(losses):.4f}, scale {float(scale):.0f}")
