# healthy

# sales forecast, MAPE is what the business wants to see
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(77)
rng = np.random.RandomState(77)

n = 500
feats = rng.randn(n, 7).astype("float32")
sales = np.exp(0.3 * feats[:, 0] - 0.2 * feats[:, 3] + 3.0).astype("float32")
x_tr, y_tr = feats[:400], sales[:400]
x_va, y_va = tf.constant(feats[400:]), sales[400:]
y_va[[31, 88]] = 0.0
y_va = tf.constant(y_va)

net = tf.keras.Sequential([tf.keras.layers.Dense(20, activation="relu"), tf.keras.layers.Dense(1, activation="softplus")])
net.build((None, 7))
opt = tf.keras.optimizers.Adam(0.01)
batches = tf.data.Dataset.from_tensor_slices((x_tr, y_tr)).shuffle(400, seed=1).batch(50)


def mape(y, p):
    return 100.0 * tf.reduce_mean(tf.abs(y - p) / tf.maximum(y, 1.0))


@tf.function
def fit_batch(x, y):
    with tf.GradientTape() as tape:
        loss = mape(y, 20.0 * net(x, training=True)[:, 0])
    grads = tape.gradient(loss, net.trainable_variables)
    opt.apply_gradients(zip(grads, net.trainable_variables))
    return loss


@tf.function
def validation_loss():
    return mape(y_va, 20.0 * net(x_va, training=False)[:, 0])


for epoch in range(4):
    losses = []
    for x, y in batches:
        losses.append(fit_batch(x, y).numpy())
    print("epoch", epoch, "mape", np.mean(losses), "val_mape", validation_loss().numpy())
