# cause: division-by-zero
# phase: update
# rows: any
# step: any
# note: users who are not in the first batch have a gradient and an accumulator of 0: 0/0

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(21)
N_USERS, N_ITEMS, RANK = 150, 90, 5

true_u = rng.randn(N_USERS, RANK) * 0.5
true_v = rng.randn(N_ITEMS, RANK) * 0.5
pairs = np.stack([rng.randint(0, N_USERS, 5000), rng.randint(0, N_ITEMS, 5000)], 1)
ratings = (true_u[pairs[:, 0]] * true_v[pairs[:, 1]]).sum(1) + 0.1 * rng.randn(5000) + 3.0


class Factorisation(tf.Module):
    def __init__(self, seed=1):
        super().__init__()
        init = tf.random.Generator.from_seed(seed)
        self.u = tf.Variable(init.normal((N_USERS, RANK)) * 0.1, name="u")
        self.v = tf.Variable(init.normal((N_ITEMS, RANK)) * 0.1, name="v")
        self.bu = tf.Variable(tf.zeros(N_USERS), name="bu")
        self.bv = tf.Variable(tf.zeros(N_ITEMS), name="bv")
        self.mu = tf.Variable(3.0, name="mu")

    def __call__(self, ui):
        u, i = ui[:, 0], ui[:, 1]
        inter = tf.reduce_sum(tf.gather(self.u, u) * tf.gather(self.v, i), axis=1)
        return self.mu + tf.gather(self.bu, u) + tf.gather(self.bv, i) + inter


class AdaGrad:
    def __init__(self, params, lr):
        self.lr = lr
        self.params = params
        self.acc = [tf.Variable(tf.zeros_like(p), trainable=False) for p in params]  # <- or here

    def step(self, grads):
        for p, a, g in zip(self.params, self.acc, grads):
            g = tf.convert_to_tensor(g)
            a.assign_add(tf.square(g))
            p.assign_sub(self.lr * g / tf.sqrt(a))  # <- here


model = Factorisation()
optim = AdaGrad(model.trainable_variables, lr=0.05)


def loss_fn(ui, r):
    return tf.reduce_mean(tf.square(model(ui) - r))


@tf.function
def update(ui, r):
    with tf.GradientTape() as tape:
        loss = loss_fn(ui, r)
    optim.step(tape.gradient(loss, model.trainable_variables))
    return loss


data = tf.data.Dataset.from_tensor_slices((pairs.astype("int32"), ratings.astype("float32")))
data = data.shuffle(5000, seed=4).batch(100)

for epoch in range(5):
    losses = []
    for ui, r in data:
        losses.append(float(update(ui, r)))
    print("epoch", epoch, "first", losses[0], "rmse", np.sqrt(np.mean(losses)))
