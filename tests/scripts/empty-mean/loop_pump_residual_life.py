# cause: empty-mean
# phase: forward
# rows: any
# step: any
# note: in some batch no error passes the margin, and the mean is over nothing

# student project: remaining useful life of pumps, learning from the hard cases
import numpy as np
import tensorflow as tf

tf.random.set_seed(7)
np.random.seed(7)

n = 400
hours = np.random.uniform(0, 1, n)
vibration = 0.3 + hours ** 2 + np.random.normal(0, 0.05, n)
temperature = 0.5 * hours + np.random.normal(0, 0.1, n)
load = np.random.uniform(-1, 1, n)
life = 1.5 - 1.2 * hours - 0.2 * load + np.random.normal(0, 0.05, n)

x = np.stack([hours, vibration, temperature, load], axis=1).astype("float32")
x = (x - x.mean(axis=0)) / x.std(axis=0)
y = life.astype("float32").reshape(-1, 1)

model = tf.keras.Sequential()
model.add(tf.keras.layers.Dense(16, activation="tanh", input_shape=(4,)))
model.add(tf.keras.layers.Dense(8, activation="tanh"))
model.add(tf.keras.layers.Dense(1))
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)

MARGIN = 0.2
BATCH = 20


def hard_case_loss(y_true, y_pred):
    error = tf.abs(y_true - y_pred)
    hard = tf.boolean_mask(error, error > MARGIN)  # <- or here
    return tf.reduce_mean(tf.square(hard))  # <- here


for epoch in range(10):
    order = np.random.permutation(n)
    seen = []
    for i in range(0, n, BATCH):
        pick = order[i:i + BATCH]
        with tf.GradientTape() as tape:
            prediction = model(x[pick], training=True)
            loss = hard_case_loss(y[pick], prediction)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        seen.append(float(loss))
    mae = float(tf.reduce_mean(tf.abs(model(x) - y)))
    print("epoch", epoch, "loss", np.mean(seen), "mae", mae)
