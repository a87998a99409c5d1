# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(33)


def make_frames():
    rng = np.random.default_rng(8)
    frames = rng.normal(size=(60, 20)).astype(np.float32)
    labels = (frames[:, :3].sum(axis=1) > 0).astype(np.int64)
    sharpness = rng.uniform(0.4, 1.0, size=60).astype(np.float32)
    sharpness[30:42] = 0.05  # camera was shaken
    return frames, labels, sharpness


def is_sharp(frame, label, sharpness):
    return sharpness > 0.5


frames, labels, sharpness = make_frames()
train_ds = tf.data.Dataset.from_tensor_slices((frames, labels, sharpness))
train_ds = train_ds.filter(is_sharp)
train_ds = train_ds.map(lambda frame, label, sharpness: (frame, label))
train_ds = train_ds.batch(10)

inp = keras.Input(shape=(20,), name="frame")
h = layers.Dense(16, use_bias=False)(inp)
h = layers.BatchNormalization()(h)
h = layers.Activation("relu")(h)
out = layers.Dense(2, activation="softmax")(h)
net = keras.Model(inp, out)

net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
net.fit(train_ds, epochs=2, verbose=2)
