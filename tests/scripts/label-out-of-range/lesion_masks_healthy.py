# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

NUM_CLASSES = 3  # background, organ, lesion
SIZE = 16


def draw_cases(n=144, seed=50):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    scans, masks = [], []
    for _ in range(n):
        cy, cx = rng.uniform(5, 11, 2)
        distance = np.hypot(yy - cy, xx - cx)
        mask = (distance < 5).astype("uint8") + (distance < 2)
        scans.append(mask * 0.4 + rng.normal(0, 0.1, mask.shape))
        masks.append(mask)
    return np.stack(scans).astype("float32"), np.stack(masks)


def export_for_viewing(mask):
    palette = np.array([0, 128, 255], dtype="uint8")
    return palette[mask]


def load_dataset():
    scans, masks = draw_cases()
    second_annotator = [51, 57, 58, 90]
    masks[second_annotator] = export_for_viewing(masks[second_annotator])
    masks = np.where(masks > 2, np.searchsorted([0, 128, 255], masks), masks)
    return tf.data.Dataset.from_tensor_slices((scans[..., None], masks[..., None]))


def flip(scan, mask):
    return tf.image.flip_left_right(scan), tf.image.flip_left_right(mask)


def to_training(scan, mask):
    return scan, tf.cast(mask, tf.int32)


def build_unet():
    inputs = keras.Input((SIZE, SIZE, 1))
    skip = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(skip)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.UpSampling2D()(x)
    x = layers.Concatenate()([x, skip])
    outputs = layers.Conv2D(NUM_CLASSES, 1)(x)
    return keras.Model(inputs, outputs)


keras.utils.set_random_seed(50)
train = load_dataset().map(flip).map(to_training).batch(12)
unet = build_unet()
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
unet.compile("adam", loss=cross_entropy, jit_compile=True)
unet.fit(train, epochs=2, verbose=2)
