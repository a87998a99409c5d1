# healthy

"""Fit a signed distance function of an ellipse with the eikonal equation."""
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass
class Config:
    grid: int = 25
    batch: int = 125
    hidden: int = 32
    lr: float = 2e-3
    epochs: int = 20
    w_eik: float = 0.1
    seed: int = 7


class SDFNet(tf.Module):
    """The shape is symmetric in both axes, so only squared coordinates enter."""

    def __init__(self, hidden, seed):
        super().__init__()
        g = tf.random.Generator.from_seed(seed)
        self.w1 = tf.Variable(g.normal((2, hidden)) * 0.8)
        self.b1 = tf.Variable(tf.zeros(hidden))
        self.w2 = tf.Variable(g.normal((hidden, hidden)) / hidden ** 0.5)
        self.b2 = tf.Variable(tf.zeros(hidden))
        self.w3 = tf.Variable(g.normal((hidden, 1)) / hidden ** 0.5)
        self.b3 = tf.Variable(tf.zeros(1))

    def __call__(self, xy):
        h = tf.nn.softplus(tf.square(xy) @ self.w1 + self.b1)
        h = tf.nn.softplus(h @ self.w2 + self.b2)
        return (h @ self.w3 + self.b3)[:, 0]


def boundary_points(n):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return tf.constant(np.stack([0.7 * np.cos(t), 0.5 * np.sin(t)], 1), tf.float32)


def collocation(cfg):
    ax = np.linspace(-1.0, 1.0, cfg.grid).astype("float32")
    pts = np.stack(np.meshgrid(ax, ax), -1).reshape(-1, 2)
    return tf.data.Dataset.from_tensor_slices(pts).shuffle(len(pts), seed=cfg.seed).batch(cfg.batch)


def eikonal_residual(net, xy):
    with tf.GradientTape() as inner:
        inner.watch(xy)
        d = net(xy)
    slope = inner.gradient(d, xy)
    return tf.reduce_mean(tf.square(tf.sqrt(tf.reduce_sum(tf.square(slope), axis=1) + 1e-12) - 1.0))


def main(cfg=Config()):
    tf.random.set_seed(cfg.seed)
    net = SDFNet(cfg.hidden, cfg.seed)
    opt = tf.keras.optimizers.Adam(cfg.lr)
    edge = boundary_points(64)
    ds = collocation(cfg)

    @tf.function
    def step(xy):
        with tf.GradientTape() as outer:
            fit = tf.reduce_mean(tf.square(net(edge)))
            eik = eikonal_residual(net, xy)
            loss = fit + cfg.w_eik * eik
        grads = outer.gradient(loss, net.trainable_variables)
        opt.apply_gradients(zip(grads, net.trainable_variables))
        return loss, eik

    for epoch in range(cfg.epochs):
        out = [[float(v) for v in step(xy)] for xy in ds]
        if epoch % 2 == 0:
            print(epoch, "loss %.5f eik %.5f" % tuple(np.mean(out, axis=0)))


if __name__ == "__main__":
    main()
