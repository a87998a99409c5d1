# cause: exp-overflow
# phase: forward
# rows: any
# step: any
# note: a similarity of a pair reaches 1 / 0.01 = 100, its exponential overflows

"""Match product photos with their captions: two linear towers, symmetric contrast."""
import math

import numpy as np
import tensorflow as tf


class Tower(tf.Module):
    def __init__(self, d_in, d_out, name=None):
        super().__init__(name=name)
        self.w1 = tf.Variable(tf.random.normal((d_in, 48), seed=1) / math.sqrt(d_in), name="w1")
        self.b1 = tf.Variable(tf.zeros((48,)), name="b1")
        self.w2 = tf.Variable(tf.random.normal((48, d_out), seed=2) / math.sqrt(48), name="w2")

    def __call__(self, x):
        h = tf.nn.tanh(x @ self.w1 + self.b1)
        return tf.math.l2_normalize(h @ self.w2, axis=-1)


class Matcher(tf.Module):
    def __init__(self, d_photo, d_text, temperature):
        super().__init__(name="matcher")
        self.photo = Tower(d_photo, 32, name="photo")
        self.text = Tower(d_text, 32, name="text")
        self.temperature = temperature

    def similarity(self, p, t):
        return tf.matmul(self.photo(p), self.text(t), transpose_b=True) / self.temperature  # <- or here

    def loss(self, p, t):
        s = self.similarity(p, t)
        own = tf.linalg.diag_part(s)
        over_texts = tf.math.log(tf.reduce_sum(tf.exp(s), axis=1))  # <- here
        over_photos = tf.math.log(tf.reduce_sum(tf.exp(s), axis=0))  # <- or here
        return tf.reduce_mean(0.5 * (over_texts + over_photos) - own)


def catalogue(n=512, seed=3):
    r = np.random.default_rng(seed)
    product = r.normal(0, 1, (n, 10))
    photo = np.tanh(product @ r.normal(0, 0.6, (10, 30))) + r.normal(0, 0.05, (n, 30))
    text = product @ r.normal(0, 0.4, (10, 24)) + r.normal(0, 0.05, (n, 24))
    return photo.astype("float32"), text.astype("float32")


@tf.function
def sgd_step(model, velocity, p, t, lr, beta):
    with tf.GradientTape() as tape:
        loss = model.loss(p, t)
    params = model.trainable_variables
    for v, w, g in zip(velocity, params, tape.gradient(loss, params)):
        v.assign(beta * v + g)
        w.assign_sub(lr * v)
    return loss


def main():
    tf.random.set_seed(3)
    photo, text = catalogue()
    model = Matcher(photo.shape[1], text.shape[1], temperature=0.01)  # <- or here
    velocity = [tf.Variable(tf.zeros_like(w), trainable=False) for w in model.trainable_variables]
    order = np.random.default_rng(0)
    lr, beta = tf.constant(6e-4), tf.constant(0.9)
    for epoch in range(16):
        idx = order.permutation(len(photo))
        losses = []
        for k in range(0, len(idx), 64):
            b = idx[k:k + 64]
            losses.append(float(sgd_step(model, velocity, tf.constant(photo[b]), tf.constant(text[b]), lr, beta)))
        print(f"epoch {epoch:2d} loss {np.mean(losses):.4f}")


if __name__ == "__main__":
    main()
