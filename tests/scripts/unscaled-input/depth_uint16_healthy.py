# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

IMAGE_SIZE = 24
BATCH_SIZE = 16


def render_depth_maps(count, seed):
    """Depth camera frames: flat floor with up to four boxes on it, as 16-bit PNGs give them."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(42000, 45000, (count, IMAGE_SIZE, IMAGE_SIZE, 1), dtype="uint16")
    n_boxes = rng.integers(0, 5, count)
    for frame, boxes in zip(frames, n_boxes):
        for slot in range(boxes):
            top, left = 12 * (slot // 2) + 2, 12 * (slot % 2) + 2
            frame[top : top + 8, left : left + 8] = rng.integers(9000, 30000)
    return frames, n_boxes.astype("float32")


def preprocess(frame, n_boxes):
    image = tf.cast(frame, tf.float32) / 65535.0
    image = tf.image.resize(image, (12, 12), method="area")
    return image, n_boxes


def build_counter():
    inputs = keras.Input((12, 12, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(1)(x), name="box_counter")


keras.utils.set_random_seed(31)
frames, n_boxes = render_depth_maps(320, seed=31)
train_ds = tf.data.Dataset.from_tensor_slices((frames, n_boxes)).map(preprocess).batch(BATCH_SIZE)

model = build_counter()
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=1e-3, momentum=0.9),
    loss=keras.losses.MeanSquaredError(),
)
model.fit(train_ds, epochs=2, verbose=2)
