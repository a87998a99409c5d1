# cause: infeasible-sequence
# phase: forward
# rows: any
# step: any
# note: three poolings leave 9 frames; a new meter, 000042, has repeats that need 10 or more

# Reading water meter counters: strip image -> digit sequence
import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(8)
N_DIGITS = 6
H, W = 16, 72
BLANK = 0  # digits are 1..10 (digit + 1)

glyph_rng = np.random.default_rng(1)
GLYPHS = (glyph_rng.random((10, 10, 8)) > 0.55).astype("float32")


def render(reading, rng):
    """Paint the counter of one meter into a noisy grey strip."""
    digits = [int(c) for c in f"{reading:0{N_DIGITS}d}"]
    img = rng.normal(0.1, 0.05, (H, W)).astype("float32")
    x = int(rng.integers(2, 6))
    for d in digits:
        y = int(rng.integers(2, 5))
        img[y:y + 10, x:x + 8] += GLYPHS[d] * rng.uniform(0.7, 1.0)
        x += 11
    return img[..., None], [d + 1 for d in digits]


def make_set(n, seed):
    rng = np.random.default_rng(seed)
    # households: between new and roughly 30 years of use
    readings = (rng.random(n) * 9e5 + rng.integers(0, 9, n)).astype(int)
    new_meter = rng.random(n) < 0.06
    readings[new_meter] = rng.integers(0, 60, new_meter.sum())  # <- or here
    pairs = [render(int(v), rng) for v in readings]
    return np.stack([p[0] for p in pairs]), np.array([p[1] for p in pairs], "int32")


def ctc(y_true, y_pred):
    frames = keras.ops.shape(y_pred)[1]
    lengths = tf.fill([tf.shape(y_pred)[0]], frames)  # <- or here
    return tf.nn.ctc_loss(  # <- here
        labels=tf.sparse.from_dense(tf.cast(y_true, tf.int32)),  # <- or here
        logits=y_pred,
        label_length=None,
        logit_length=lengths,  # <- or here
        logits_time_major=False,
        blank_index=BLANK,
    )


def conv_block(x, filters, pool):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    return layers.MaxPooling2D(pool)(x)


def build():
    inp = keras.Input((H, W, 1))
    x = conv_block(inp, 8, (2, 2))  # <- or here
    x = conv_block(x, 16, (2, 2))  # <- or here
    x = conv_block(x, 24, (2, 2))  # <- or here
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.Bidirectional(layers.GRU(24, return_sequences=True))(x)
    out = layers.Dense(11)(x)
    return keras.Model(inp, out)


x_train, y_train = make_set(512, 20)
x_val, y_val = make_set(128, 21)

model = build()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=ctc)  # <- or here
history = model.fit(  # <- or here
    x_train,
    y_train,
    batch_size=32,
    epochs=2,
    validation_data=(x_val, y_val),
    callbacks=[keras.callbacks.EarlyStopping(patience=3)],
    verbose=0,
)
print("train", history.history["loss"])
print("val", history.history["val_loss"])
