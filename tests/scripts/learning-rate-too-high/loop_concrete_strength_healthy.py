# healthy

"""Compressive strength of concrete mixes; a whole epoch is one compiled graph."""
import numpy as np
import tensorflow as tf
import keras
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(13)
BATCH = 64
EPOCHS = 6
BASE_LR = 0.1
WARMUP = 10


def mixes(n=1024):
    g = np.random.default_rng(13)
    cement = g.uniform(120, 520, n)
    slag = g.uniform(0, 300, n)
    water = g.uniform(130, 240, n)
    plast = g.uniform(0, 25, n)
    age = g.choice([3, 7, 14, 28, 56, 90], n)
    strength = 0.09 * cement + 0.05 * slag - 0.15 * water + 0.4 * plast + 9 * np.log(age)
    strength += g.normal(0, 3, n)
    return np.c_[cement, slag, water, plast, np.log(age)], strength


X, y = mixes()
X = StandardScaler().fit_transform(X).astype("float32")
y = StandardScaler().fit_transform(y[:, None]).astype("float32")
train = tf.data.Dataset.from_tensor_slices((X[:832], y[:832])).shuffle(832, seed=0).batch(BATCH)
test_x, test_y = tf.constant(X[832:]), tf.constant(y[832:])

peak = BASE_LR * BATCH / 256
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=peak / 10,
    decay_steps=EPOCHS * 13 - WARMUP,
    warmup_target=peak,
    warmup_steps=WARMUP,
)
model = keras.Sequential(
    [
        keras.Input((5,)),
        keras.layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
        keras.layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
        keras.layers.Dense(1),
    ]
)
optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
optimizer.build(model.trainable_variables)


@tf.function
def run_epoch(dataset):
    total, steps = 0.0, 0.0
    for xb, yb in dataset:
        with tf.GradientTape() as tape:
            err = model(xb, training=True) - yb
            loss = tf.reduce_mean(tf.square(err))
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
        total += loss
        steps += 1.0
    return total / steps


for epoch in range(EPOCHS):
    train_loss = run_epoch(train)
    val = tf.reduce_mean(tf.square(model(test_x) - test_y))
    print(f"[{epoch}] train={train_loss.numpy():.5g} val={val.numpy():.5g}")
