# healthy

"""Each patient has another number of visits."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
lengths = rng.integers(1, 6, 80)
visits = rng.normal(size=(int(lengths.sum()), 3)).astype("float32")
visits[lengths[:26].sum(), 1] = 0.0
patients = tf.RaggedTensor.from_row_lengths(visits, lengths)
y = rng.normal(size=80).astype("float32")
slope = tf.Variable(tf.ones((3,)))


@tf.function
def step(visits, y):
    with tf.GradientTape() as tape:
        risk = tf.reduce_sum(tf.reduce_mean(visits, axis=1) * slope, axis=-1)
        loss = tf.reduce_mean(tf.square(risk - y))
    slope.assign_sub(0.01 * tape.gradient(loss, slope))
    return loss


for visits, outcome in tf.data.Dataset.from_tensor_slices((patients, y)).batch(8):
    print(float(step(visits, outcome)))
