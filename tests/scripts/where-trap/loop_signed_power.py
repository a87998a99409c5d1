# cause: where-trap
# phase: backward
# rows: any
# step: 1
# note: both sides of the choice are differentiated: the power of a negative number is NaN on the side not chosen

import numpy as np
import tensorflow as tf
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

tf.random.set_seed(8)
X, y = make_friedman1(n_samples=1024, n_features=8, noise=0.5, random_state=8)
X = StandardScaler().fit_transform(X).astype(np.float32)
y = StandardScaler().fit_transform(y[:, None]).astype(np.float32)

train = tf.data.Dataset.from_tensor_slices((X[:896], y[:896])).shuffle(896, seed=3).batch(64)
test_x, test_y = tf.constant(X[896:]), tf.constant(y[896:])


class SignedPower(tf.keras.layers.Layer):
    """Compressing activation: sign(x) * |x| ** p, to tame the wide tails."""

    def __init__(self, p=0.7):
        super().__init__()
        self.p = p

    def call(self, x):
        upper = tf.pow(x, self.p)  # <- or here
        lower = -tf.pow(-x, self.p)  # <- or here
        return tf.where(x >= 0.0, upper, lower)  # <- here


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.h1 = tf.keras.layers.Dense(48)
        self.a1 = SignedPower()
        self.h2 = tf.keras.layers.Dense(24, activation="tanh")
        self.out = tf.keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.h2(self.a1(self.h1(x))))


net = Net()
net(test_x[:2])
opt = tf.keras.optimizers.RMSprop(1e-3)
opt.build(net.trainable_variables)


@tf.function
def run_epoch(ds):
    total = tf.constant(0.0)
    n = tf.constant(0.0)
    for xb, yb in ds:
        with tf.GradientTape() as tape:
            err = net(xb) - yb
            loss = tf.reduce_mean(tf.square(err))
        grads = tape.gradient(loss, net.trainable_variables)
        opt.apply_gradients(zip(grads, net.trainable_variables))
        total += loss
        n += 1.0
    return total / n


@tf.function
def evaluate():
    return tf.reduce_mean(tf.square(net(test_x) - test_y))


print("before training:", evaluate().numpy())
for epoch in range(5):
    tr = run_epoch(train)
    print("epoch", epoch, "train", tr.numpy(), "test", evaluate().numpy())
