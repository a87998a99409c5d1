# healthy

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(99)
rng = np.random.default_rng(99)


def focal(gamma=2.0, alpha=0.75):
    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        eps = 1e-6
        hit = alpha * y_true * ops.power(1.0 - y_pred, gamma) * ops.log(y_pred + eps)
        miss = (1.0 - alpha) * (1.0 - y_true) * ops.power(y_pred, gamma) * ops.log(1.0 - y_pred + eps)
        return -ops.mean(hit + miss, axis=-1)

    return loss


def make_parts(n=800, size=12):
    imgs = rng.normal(0.0, 0.2, size=(n, size, size, 1))
    defect = (rng.random(n) < 0.25).astype("float32")
    radius = np.zeros(n)
    yy, xx = np.mgrid[:size, :size]
    for i in np.flatnonzero(defect):
        r = rng.uniform(1.0, 3.0)
        cx, cy = rng.uniform(3, size - 3, 2)
        imgs[i, ..., 0] += ((xx - cx) ** 2 + (yy - cy) ** 2 < r * r) * 1.0
        radius[i] = r
    material = rng.integers(0, 3, n)
    imgs += 0.3 * (material[:, None, None, None] - 1)
    return imgs.astype("float32"), defect[:, None], radius.astype("float32")[:, None], material


def conv_block(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.GroupNormalization(groups=4)(x)
    return layers.Activation("relu")(x)


def build(size=12):
    img = keras.Input((size, size, 1), name="img")
    x = conv_block(img, 8)
    x = layers.MaxPooling2D()(x)
    x = conv_block(x, 16)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.1)(x)
    material = layers.Dense(3, activation="softmax", name="material")(x)
    defect = layers.Dense(1, activation="sigmoid", name="defect")(x)
    radius = layers.Dense(1, activation="relu", name="radius")(x)
    return keras.Model(img, {"defect": defect, "radius": radius, "material": material})


imgs, defect, radius, material = make_parts()
net = build()
net.compile(
    optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0),
    loss={"defect": focal(), "radius": "huber", "material": "sparse_categorical_crossentropy"},
    loss_weights={"defect": 1.0, "radius": 0.5, "material": 0.2},
    metrics={"material": "accuracy"},
    run_eagerly=True,
)
log = net.fit(imgs, {"defect": defect, "radius": radius, "material": material}, batch_size=80, epochs=2, verbose=0)
for k, v in log.history.items():
    print(k, v)
