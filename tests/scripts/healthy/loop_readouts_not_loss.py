# healthy

"""Things that are printed beside the loss and are not numbers: R2 of one row, 0/0 in a table, a best value that starts at inf."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
x = rng.normal(size=(160, 5)).astype("float32")
y = (x[:, 0] * 2 + 1).astype("float32")
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
sgd = keras.optimizers.SGD(0.01)
extra = tf.data.Dataset.from_tensor_slices((x[:3], y[:3])).batch(8, drop_remainder=True)
ratio = np.array([0.0, 1.0]) / np.array([0.0, 2.0])


@tf.function
def step(a, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(a, training=True)[:, 0] - b))
    sgd.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss


@tf.function
def r_squared(a, b):
    error = model(a, training=False)[:, 0] - b
    score = 1 - tf.reduce_sum(tf.square(error)) / tf.reduce_sum(tf.square(b - tf.reduce_mean(b)))
    return score, tf.reduce_mean(tf.square(error))


best = tf.constant(np.inf)
for epoch in range(3):
    for i in range(0, 160, 20):
        loss = step(x[i:i + 20], y[i:i + 20])
    for a, b in extra:
        print("extra", float(step(a, b)))
    score, mse = r_squared(x[:1], y[:1])
    print("%d loss %.3f r2 %.3f mse %.3f best %.3f" % (epoch, loss, score, mse, best), np.nanmean(ratio))
    best = tf.minimum(best, mse)
