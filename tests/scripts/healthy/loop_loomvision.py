# healthy

"""Yarn break detector; mixed precision loop with a dynamic loss scale."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(19)
keras.mixed_precision.set_global_policy("mixed_float16")
SIZE = 20


def patches(n, seed):
    r = np.random.default_rng(seed)
    base = np.sin(np.arange(SIZE) * 1.6)[None, :, None] + np.sin(np.arange(SIZE) * 1.1)[None, None, :]
    img = base + r.normal(0, 0.4, (n, SIZE, SIZE))
    broken = r.random(n) < 0.4
    for i in np.flatnonzero(broken):
        c = r.integers(2, SIZE - 3)
        img[i, :, c:c + 2] *= 0.1
        img[i, :, c] += 1.2
    img = (img - img.mean()) / img.std()
    return img[..., None].astype("float32"), broken.astype("float32")[:, None]


def make_net():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(1, dtype="float32"),
        ]
    )


class Loop:
    def __init__(self, net, growth_every=25):
        self.net = net
        self.opt = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(1e-3), initial_scale=2.0**24, dynamic_growth_steps=growth_every
        )
        self.opt.build(net.trainable_variables)
        self.bce = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def __call__(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.bce(y, self.net(x, training=True))
            scaled = self.opt.scale_loss(loss)
        grads = tape.gradient(scaled, self.net.trainable_variables)
        norm = tf.linalg.global_norm([tf.cast(g, tf.float32) for g in grads])
        self.opt.apply(grads, self.net.trainable_variables)
        return loss, norm


def main():
    x, y = patches(320, 19)
    ds = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(320, seed=3).batch(20)
    loop = Loop(make_net())
    for epoch in range(6):
        rows = [[float(v) for v in loop(*b)] for b in ds]
        loss, norm = np.array(rows).T
        print(
            f"epoch {epoch} loss {loss.mean():.4f} scaled grad norm {norm.mean():.3g} "
            f"skipped {int(np.sum(~np.isfinite(norm)))} scale {float(loop.opt.dynamic_scale):.0f}"
        )


if __name__ == "__main__":
    main()
