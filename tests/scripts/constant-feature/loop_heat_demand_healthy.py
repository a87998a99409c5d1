# healthy

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)

# two and a half years of daily heat demand
days = np.arange(900)
temp = 10 - 12 * np.cos(2 * np.pi * days / 365) + rng.normal(0, 2.0, 900)
wind = rng.gamma(2.0, 2.0, 900)
weekend = (days % 7 >= 5).astype(float)
heating = ((days % 365 < 110) | (days % 365 > 280)).astype(float)
demand = 40 + heating * np.maximum(0, 18 - temp) * 3 + 0.8 * wind - 5 * weekend + rng.normal(0, 2, 900)

frame = np.stack([temp, wind, weekend, heating], axis=1)


def standardise(block):
    return ((block - frame[:cut].mean(axis=0)) / frame[:cut].std(axis=0)).astype("float32")


cut = 850
x_train = standardise(frame[:cut])
x_val = standardise(frame[cut:])
t_mean, t_std = demand[:cut].mean(), demand[:cut].std()
y_train = ((demand[:cut] - t_mean) / t_std).astype("float32")[:, None]
y_val = ((demand[cut:] - t_mean) / t_std).astype("float32")[:, None]

train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(cut, seed=2).batch(32)
val_ds = tf.data.Dataset.from_tensor_slices((x_val, y_val)).batch(32)

model = tf.keras.Sequential([
    tf.keras.Input((4,)),
    tf.keras.layers.Dense(24, activation="tanh"),
    tf.keras.layers.Dense(24, activation="tanh"),
    tf.keras.layers.Dense(1),
])
optimizer = tf.keras.optimizers.Adam(5e-3)
huber = tf.keras.losses.Huber()


@tf.function
def fit_batch(x, y):
    with tf.GradientTape() as tape:
        loss = huber(y, model(x, training=True))
    g = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(g, model.trainable_variables))
    return loss


def validation_loss():
    total = 0.0
    seen = 0
    for x, y in val_ds:
        total += float(huber(y, model(x, training=False))) * len(x)
        seen += len(x)
    return total / seen


for epoch in range(6):
    running = 0.0
    for k, (x, y) in enumerate(train_ds, start=1):
        running += float(fit_batch(x, y))
    print("epoch %d  train %.4f  val %.4f" % (epoch, running / k, validation_loss()))
