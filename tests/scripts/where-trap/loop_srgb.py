# cause: where-trap
# phase: backward
# rows: any
# step: 1
# note: linear light below 0 is not taken from the power branch, but its derivative (NaN times 0) is

"""Learn a colour correction, compared in sRGB."""
import numpy as np
import keras
import tensorflow as tf

keras.utils.set_random_seed(12)
rng = np.random.default_rng(12)
camera = rng.uniform(0, 1, (192, 3)).astype("float32")
target = np.clip(camera @ np.array([[1.6, -0.3, -0.3], [-0.2, 1.5, -0.3], [0.0, -0.4, 1.4]], "float32"), 0, 1)

layer = keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5))
optimizer = keras.optimizers.Adam(1e-2)


def to_srgb(linear):
    curved = 1.055 * tf.pow(linear, 1 / 2.4) - 0.055  # <- here
    return tf.where(linear <= 0.0031308, 12.92 * linear, curved)


@tf.function
def step(rgb, wanted):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.abs(to_srgb(layer(rgb)) - to_srgb(wanted)))
    grads = tape.gradient(loss, layer.trainable_weights)
    optimizer.apply(grads, layer.trainable_weights)
    return loss


for epoch in range(3):
    for i in range(0, 192, 32):
        loss = step(camera[i:i + 32], target[i:i + 32])
    print(epoch, float(loss))
