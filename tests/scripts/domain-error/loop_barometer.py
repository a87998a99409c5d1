# cause: domain-error
# phase: forward
# rows: 1, 15, 24
# step: 1
# note: E[x2] - E[x]2 at a level of 1013 cancels: the variance of a calm window is a little below 0

import numpy as np
import tensorflow as tf

SEED = 13
WINDOW = 24
CHANNELS = 2


def load_station(n=1500):
    rng = np.random.default_rng(SEED)
    t = np.arange(WINDOW) / WINDOW
    xs, ys = [], []
    for _ in range(n):
        calm = rng.random() < 0.15
        amp = 0.004 if calm else rng.uniform(0.5, 4.0)
        trend = rng.normal() * amp
        press = rng.normal(1013.25, 6.0) + trend * t + amp * 0.3 * np.sin(2 * np.pi * (t + rng.random()))
        temp = rng.normal(12, 5) + 3 * np.sin(2 * np.pi * (t + 0.25)) + 0.2 * rng.normal(size=WINDOW)
        xs.append(np.stack([press, temp], -1))
        ys.append(float(trend < -0.4))
    return np.asarray(xs, "float32"), np.asarray(ys, "float32")[:, None]


class WindowNorm(tf.keras.layers.Layer):
    """Standardises each window and channel."""

    def call(self, x):
        m = tf.reduce_mean(x, axis=1, keepdims=True)
        m2 = tf.reduce_mean(x * x, axis=1, keepdims=True)  # <- or here
        std = tf.sqrt(m2 - m * m)  # <- here
        return (x - m) / (std + 1e-3)


def build():
    inp = tf.keras.Input((WINDOW, CHANNELS))
    h = WindowNorm()(inp)
    h = tf.keras.layers.Conv1D(16, 5, activation="gelu")(h)
    h = tf.keras.layers.GlobalAveragePooling1D()(h)
    h = tf.keras.layers.Dense(16, activation="gelu")(h)
    return tf.keras.Model(inp, tf.keras.layers.Dense(1)(h))


def main():
    tf.keras.utils.set_random_seed(SEED)
    x, y = load_station()
    model = build()
    opt = tf.keras.optimizers.Adam(1e-3)
    opt.build(model.trainable_variables)
    bce = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function(jit_compile=True)
    def step(xb, yb):
        with tf.GradientTape() as tape:
            loss = bce(yb, model(xb, training=True))
        grads = tape.gradient(loss, model.trainable_variables)
        opt.apply_gradients(zip(grads, model.trainable_variables))
        return loss

    train = (tf.data.Dataset.from_tensor_slices((x, y))
             .shuffle(len(x), seed=SEED).batch(30, drop_remainder=True))
    for epoch in range(3):
        losses = [float(step(xb, yb)) for xb, yb in train]
        print(f"epoch {epoch}: {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
