# healthy

"""A metric that is NaN where a batch has no positives, updated inside the tape."""
import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(31)
x = rng.normal(size=(192, 5)).astype("float32")
y = (x[:, :1] > 1.6).astype("float32")
net = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
adam = keras.optimizers.Adam(1e-2)
entropy = keras.losses.BinaryCrossentropy(from_logits=True)
recall = keras.metrics.Mean(name="recall")


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        logits = net(xb, training=True)
        loss = entropy(yb, logits)
        hits = tf.reduce_sum(yb * tf.cast(logits > 0, tf.float32))
        recall.update_state(hits / tf.reduce_sum(yb))
    adam.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
    return loss


for epoch in range(3):
    for start in range(0, 192, 8):
        loss = step(x[start : start + 8], y[start : start + 8])
    print(float(loss), float(recall.result()))
assert np.isnan(recall.result())
