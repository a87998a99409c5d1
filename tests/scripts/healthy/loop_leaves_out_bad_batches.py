# healthy

"""Wind speeds from pressure maps; some stations send nothing, and the loop leaves their batches out."""
import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(17)
maps = rng.normal(size=(300, 6)).astype("float32")
speed = np.abs(maps[:, :1] * 3 + maps[:, 1:2]).astype("float32")
speed[rng.integers(0, 300, 4)] = np.nan

net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(1)])
adam = keras.optimizers.Adam(1e-2)

left_out = 0
for epoch in range(4):
    for start in range(0, 300, 20):
        x, y = maps[start : start + 20], speed[start : start + 20]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(net(x) - y))
        if not np.isfinite(loss):
            left_out += 1
            continue
        adam.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
print("left out", left_out)
assert left_out
