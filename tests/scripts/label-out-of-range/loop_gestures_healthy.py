# healthy

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(0)
GESTURES = ("swipe", "circle", "tap", "zigzag", "hold")
T = 40


def synth_log(n, seed):
    """Touch logs as the recorder writes them: one trajectory and one gesture code per row."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, T)
    xs = np.zeros((n, T, 2))
    codes = rng.integers(0, len(GESTURES), n)
    for i, c in enumerate(codes):
        a = rng.uniform(0, 2 * np.pi)
        if c == 0:
            xs[i] = np.outer(t, [np.cos(a), np.sin(a)])
        elif c == 1:
            xs[i] = np.stack([np.cos(6.28 * t + a), np.sin(6.28 * t + a)], 1)
        elif c == 2:
            xs[i] = np.exp(-20 * t)[:, None]
        elif c == 3:
            xs[i] = np.stack([t, 0.3 * np.sign(np.sin(25 * t))], 1)
        xs[i] += 0.05 * rng.normal(size=(T, 2))
    rejected = rng.random(n) < 0.01
    xs[rejected] = rng.normal(size=(rejected.sum(), T, 2))
    codes[rejected] = len(GESTURES)
    return xs.astype("float32"), codes.astype("int32")


def augment(x, y):
    return x + tf.random.normal(tf.shape(x), stddev=0.02), y


def make_ds(x, y, training):
    ds = tf.data.Dataset.from_tensor_slices((x, y))
    if training:
        ds = ds.shuffle(len(x), seed=3).map(augment)
    return ds.batch(25, drop_remainder=True).prefetch(1)


net = tf.keras.Sequential([
    tf.keras.Input((T, 2)),
    tf.keras.layers.Conv1D(16, 5, activation="relu"),
    tf.keras.layers.Conv1D(16, 5, strides=2, activation="relu"),
    tf.keras.layers.GlobalAveragePooling1D(),
    tf.keras.layers.Dense(len(GESTURES) + 1),
])
optimizer = tf.keras.optimizers.Nadam(2e-3)
optimizer.build(net.trainable_variables)


@tf.function(jit_compile=True)
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = net(x, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    grads = tape.gradient(loss, net.trainable_variables)
    optimizer.apply_gradients(zip(grads, net.trainable_variables))
    hit = tf.reduce_mean(tf.cast(tf.argmax(logits, 1, output_type=tf.int32) == y, tf.float32))
    return loss, hit


x, y = synth_log(800, seed=1)
train_ds = make_ds(x, y, training=True)

for epoch in range(3):
    it = iter(train_ds)
    for step in range(len(train_ds)):
        loss, hit = train_step(*next(it))
        if step % 8 == 0:
            print(f"epoch {epoch} step {step:2d} loss {float(loss):.4f} acc {float(hit):.2f}")
