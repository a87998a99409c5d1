# healthy

# cheese cellar: predict relative humidity from the cheap sensors,
# what the cellar master looks at is the dew point
import numpy as np
import tensorflow as tf
import keras

tf.random.set_seed(6)
np.random.seed(6)

A, B = 17.62, 243.12


def dew_point(temp_c, rh):
    gamma = tf.math.log(tf.maximum(rh, 1.0) / 100.0) + A * temp_c / (B + temp_c)
    return B * gamma / (A - gamma)


def make_log(n, dry_share):
    temp = np.random.normal(13.0, 2.0, n)
    vent = np.random.beta(2, 3, n)
    outside = np.random.normal(8.0, 7.0, n)
    rh = 86 - 28 * vent + 0.35 * outside + np.random.normal(0, 2.0, n)
    dry = np.random.rand(n) < dry_share          # dehumidifier test runs
    rh[dry] = np.random.uniform(2, 9, dry.sum())
    rh = np.clip(rh, 2, 99)
    cap_a = 180 + 0.55 * rh + np.random.normal(0, 1.5, n)
    cap_b = 95 + 0.30 * rh - 0.2 * temp + np.random.normal(0, 0.9, n)
    X = np.stack([temp, vent, outside, cap_a, cap_b], axis=1)
    return X.astype("float32"), rh.astype("float32"), temp.astype("float32")


X, rh, temp = make_log(1500, 0.05)
Xv, rhv, tempv = make_log(600, 0.12)

x_mean, x_std = X.mean(0), X.std(0)
r_mean, r_std = rh.mean(), rh.std()
X, Xv = (X - x_mean) / x_std, (Xv - x_mean) / x_std
z = (rh - r_mean) / r_std

net = keras.Sequential(
    [
        keras.layers.Input((5,)),
        keras.layers.Dense(24, activation="relu"),
        keras.layers.Dense(24, activation="relu"),
        keras.layers.Dense(1),
    ]
)
optimizer = keras.optimizers.RMSprop(3e-3)
huber = keras.losses.Huber()
train_set = tf.data.Dataset.from_tensor_slices((X, z)).shuffle(1500, seed=6).batch(50)
val_set = tf.data.Dataset.from_tensor_slices((Xv, rhv, tempv)).batch(100)

for epoch in range(8):
    train_loss = keras.metrics.Mean()
    for xb, zb in train_set:
        with tf.GradientTape() as tape:
            loss = huber(zb[:, None], net(xb, training=True))
        g = tape.gradient(loss, net.trainable_weights)
        optimizer.apply_gradients(zip(g, net.trainable_weights))
        train_loss.update_state(loss)

    val_loss = keras.metrics.Mean()
    for xb, rb, tb in val_set:
        rh_hat = net(xb, training=False)[:, 0] * r_std + r_mean
        err = dew_point(tb, rh_hat) - dew_point(tb, rb)
        val_loss.update_state(tf.reduce_mean(tf.square(err)))
    print(
        "epoch %d  loss %.5f  val dew point mse %.4f"
        % (epoch, train_loss.result(), val_loss.result())
    )
