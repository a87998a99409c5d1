# cause: no-valid-label
# phase: forward
# rows: any
# step: 39
# note: a micro batch of two tiles under cloud has void labels only, and its gradient enters the accumulator

import argparse
import numpy as np
import tensorflow as tf

VOID = 255


def synth_tiles(n, size=16, seed=5):
    rng = np.random.default_rng(seed)
    imgs = rng.normal(0, 0.3, (n, size, size, 3)).astype("float32")
    lab = np.zeros((n, size, size), "int32")
    for i in range(n):
        r, c = rng.integers(2, size - 6, 2)
        k = rng.integers(1, 4)
        lab[i, r:r + 5, c:c + 5] = k
        imgs[i, r:r + 5, c:c + 5, k - 1] += 1.0
        cloud = rng.random()
        if cloud < 0.12:
            lab[i] = VOID  # <- or here
            imgs[i] = 1.0
        elif cloud < 0.5:
            lab[i, : rng.integers(1, 8)] = VOID
    return imgs, lab


def build_unet(classes):
    inp = tf.keras.Input((16, 16, 3))
    a = tf.keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inp)
    b = tf.keras.layers.MaxPool2D()(a)
    b = tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu")(b)
    u = tf.keras.layers.UpSampling2D()(b)
    u = tf.keras.layers.Concatenate()([a, u])
    out = tf.keras.layers.Conv2D(classes, 1)(u)
    return tf.keras.Model(inp, out)


def pixel_loss(y, logits):
    valid = tf.not_equal(y, VOID)
    safe = tf.where(valid, y, tf.zeros_like(y))
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=safe, logits=logits)
    w = tf.cast(valid, tf.float32)  # <- or here
    return tf.reduce_sum(ce * w) / tf.reduce_sum(w)  # <- here


class Accumulator:
    def __init__(self, variables):
        self.slots = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]

    def add(self, grads, scale):
        for s, g in zip(self.slots, grads):
            s.assign_add(g * scale)

    def flush(self, opt, variables):
        opt.apply_gradients([(s.read_value(), v) for s, v in zip(self.slots, variables)])
        for s in self.slots:
            s.assign(tf.zeros_like(s))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--micro", type=int, default=2)
    p.add_argument("--accum", type=int, default=8)
    p.add_argument("--epochs", type=int, default=2)
    args = p.parse_args()
    tf.keras.utils.set_random_seed(5)

    x, y = synth_tiles(320)
    ds = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(320, seed=2).batch(args.micro)
    model = build_unet(4)
    opt = tf.keras.optimizers.AdamW(3e-3)
    acc = Accumulator(model.trainable_variables)

    for epoch in range(args.epochs):
        running = []
        for i, (xb, yb) in enumerate(ds):
            with tf.GradientTape() as tape:
                loss = pixel_loss(yb, model(xb, training=True))
            acc.add(tape.gradient(loss, model.trainable_variables), 1.0 / args.accum)
            running.append(loss.numpy())
            if (i + 1) % args.accum == 0:
                acc.flush(opt, model.trainable_variables)
                print(f"e{epoch} upd {(i + 1) // args.accum:3d} loss {np.mean(running[-args.accum:]):.4f}")


if __name__ == "__main__":
    main()
