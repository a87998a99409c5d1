# healthy

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(8)


def build_tower(dim):
    inp = keras.Input((dim,))
    x = layers.Dense(20, activation="relu")(inp)
    x = layers.Dense(6, activation="tanh")(x)
    return keras.Model(inp, x, name="tower")


def similar_term(sq_dist, genuine):
    weight = tf.cast(genuine, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * sq_dist), tf.reduce_sum(weight))


def dissimilar_term(sq_dist, genuine, margin):
    gap = tf.nn.relu(margin - tf.boolean_mask(sq_dist, tf.logical_not(genuine)))
    return tf.reduce_mean(gap)


def contrastive_loss(y_true, y_pred):
    sq_dist = tf.squeeze(y_pred, axis=-1)
    genuine = tf.reshape(y_true, [-1]) > 0.5
    pull = similar_term(sq_dist, genuine)
    push = dissimilar_term(sq_dist, genuine, margin=1.0)
    return 0.5 * (pull + push)


def make_pairs(n=90, dim=14):
    rng = np.random.default_rng(77)
    left = rng.normal(size=(n, dim)).astype("float32")
    genuine = rng.random(n) < 0.4
    genuine[50:60] = False  # the skilled forger's folder
    right = np.where(genuine[:, None], left, rng.normal(size=(n, dim)))
    right = right + rng.normal(scale=0.05, size=(n, dim))
    return [left, right.astype("float32")], genuine.astype("float32")


pairs, genuine = make_pairs()

a, b = keras.Input((14,)), keras.Input((14,))
tower = build_tower(14)
diff = layers.Subtract()([tower(a), tower(b)])
sq = layers.Lambda(lambda d: tf.reduce_sum(tf.square(d), axis=1, keepdims=True))(diff)
siamese = keras.Model([a, b], sq)
siamese.compile(loss=contrastive_loss, optimizer="rmsprop", jit_compile=False)
siamese.fit(pairs, genuine, batch_size=10, epochs=1, shuffle=False)
