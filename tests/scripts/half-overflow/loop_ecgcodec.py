# cause: half-overflow
# phase: forward
# rows: any
# step: 1
# note: the sum of 61440 squared errors is taken in half precision; the cast comes after it

"""Patch autoencoder for 8-lead ECG, half precision training loop."""
import argparse

import numpy as np
import tensorflow as tf
import keras
from keras import layers

LEADS, LENGTH, PATCH = 12, 5120, 64


def beats(n, seed):
    r = np.random.default_rng(seed)
    t = np.arange(LENGTH) / 500.0
    out = np.empty((n, LENGTH, LEADS), "float32")
    for i in range(n):
        rate = r.uniform(0.9, 1.6)
        phase = (t * rate + r.random()) % 1.0
        qrs = np.exp(-0.5 * ((phase - 0.4) / 0.012) ** 2)
        twave = 0.3 * np.exp(-0.5 * ((phase - 0.65) / 0.04) ** 2)
        gain = r.normal(0, 1, LEADS)
        out[i] = (qrs + twave)[:, None] * gain + r.normal(0, 0.08, (LENGTH, LEADS))
    out -= out.mean(axis=1, keepdims=True)
    return out / out.std(axis=(1, 2), keepdims=True)


def build_codec(code):
    inp = keras.Input((LENGTH, LEADS))
    x = layers.Reshape((LENGTH // PATCH, PATCH * LEADS))(inp)
    x = layers.Dense(48, activation="relu", kernel_initializer="he_normal")(x)
    z = layers.Dense(code, name="code")(x)
    x = layers.Dense(48, activation="relu", kernel_initializer="he_normal")(z)
    x = layers.Dense(PATCH * LEADS, kernel_initializer="he_normal")(x)
    return keras.Model(inp, layers.Reshape((LENGTH, LEADS))(x))


def reconstruction_loss(signal, decoded):
    diff = tf.cast(signal, decoded.dtype) - decoded  # <- or here
    per_record = tf.reduce_sum(tf.square(diff), axis=[1, 2])  # <- here
    return tf.reduce_mean(tf.cast(per_record, tf.float32)) / (LENGTH * LEADS)


def main(args):
    keras.utils.set_random_seed(args.seed)
    keras.mixed_precision.set_global_policy("mixed_float16")
    signals = beats(args.records, args.seed)
    codec = build_codec(args.code)
    optimizer = keras.mixed_precision.LossScaleOptimizer(
        keras.optimizers.Adam(args.lr), initial_scale=2.0**12
    )
    optimizer.build(codec.trainable_variables)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            decoded = codec(batch, training=True)
            loss = reconstruction_loss(batch, decoded)
            scaled = optimizer.scale_loss(loss)
        grads = tape.gradient(scaled, codec.trainable_variables)
        optimizer.apply(grads, codec.trainable_variables)
        return loss

    ds = tf.data.Dataset.from_tensor_slices(signals).shuffle(args.records, seed=1)
    for epoch in range(args.epochs):
        losses = [float(step(b)) for b in ds.batch(8, drop_remainder=True)]
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--code", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=73)
    main(parser.parse_args())
