# cause: gradient-singularity
# phase: backward
# rows: 5, 40
# step: 3
# note: two pairs hold the same image twice, their distance is exactly 0, and the slope of the square root is infinite there

"""Siamese network on sklearn's digits: do two images show the same digit?"""
import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(42)


def make_pairs(images, labels, count, rng):
    left = rng.integers(0, len(images), count)
    right = np.empty_like(left)
    for k, i in enumerate(left):
        same = labels == labels[i]
        same[i] = False
        pool = same if k % 2 == 0 else labels != labels[i]
        right[k] = rng.choice(np.flatnonzero(pool))
    return left, right


def euclidean_distance(vects):
    u, v = vects
    sum_square = tf.reduce_sum(tf.square(u - v), axis=1, keepdims=True)
    return tf.sqrt(sum_square)  # <- here


def embedding_network():
    inp = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="tanh")(inp)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    return keras.Model(inp, layers.Dense(10)(x), name="embedding")


digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
left, right = make_pairs(images, digits.target, 384, np.random.default_rng(42))
same = np.arange(384) % 2 == 0
for k in (2 * 48 + 5, 2 * 48 + 40):  # the annotators paired two images with themselves
    right[k], same[k] = left[k], True

network = embedding_network()
input_1, input_2 = layers.Input((8, 8, 1)), layers.Input((8, 8, 1))
distance = layers.Lambda(euclidean_distance)([network(input_1), network(input_2)])
output = layers.Dense(1, activation="sigmoid")(distance)
siamese = keras.Model([input_1, input_2], output)
siamese.compile(loss="binary_crossentropy", optimizer="RMSprop", metrics=["accuracy"])
siamese.fit(
    [images[left], images[right]],
    same.astype("float32")[:, None],
    batch_size=48,
    epochs=2,
    shuffle=False,
    verbose=2,
)
