# healthy

"""Precision of a rare class is undefined in a batch that predicts none: NaN in the log, nothing in the training."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(14)
rng = np.random.default_rng(14)
x = rng.normal(size=(128, 5)).astype("float32")
y = (x[:, 0] > 1.8).astype("float32")
model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
optimizer = keras.optimizers.Adam(5e-3)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)[:, 0]
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    predicted = tf.cast(logits > 0, tf.float32)
    return loss, tf.reduce_sum(predicted * y) / tf.reduce_sum(predicted)


for epoch in range(3):
    precisions = []
    for i in range(0, 128, 16):
        loss, precision = step(x[i:i + 16], y[i:i + 16])
        precisions.append(float(precision))
    print(f"epoch {epoch} loss {float(loss):.3f} precision {np.nanmean(precisions + [0.0]):.2f} of {precisions}")
