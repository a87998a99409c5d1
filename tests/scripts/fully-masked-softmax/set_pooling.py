# cause: fully-masked-softmax
# phase: forward
# rows: 0, 5, 10
# step: 1
# note: three shoppers have an empty basket, every slot of theirs is masked with -inf before the softmax of the attention pooling

import numpy as np
import tensorflow as tf
import keras
from keras import layers

keras.utils.set_random_seed(44)

SLOTS, N_ITEMS, BATCH = 6, 30, 11


def make_baskets(n=55):
    rng = np.random.default_rng(90)
    items = rng.integers(0, N_ITEMS, size=(n, SLOTS))
    quantity = rng.poisson(1.2, size=(n, SLOTS)).astype("float32")
    quantity[:, 0] += 1.0
    quantity[[0, 5, 10]] = 0.0
    spend = (quantity * (items + 1)).sum(axis=1) / 100.0
    return {"items": items, "quantity": quantity}, spend.astype("float32")


def attention_pool(embedded, quantity):
    score = layers.Dense(8, activation="tanh")(embedded)
    score = layers.Dense(1)(score)
    score = layers.Lambda(lambda s: tf.squeeze(s, axis=-1))(score)
    closed = layers.Lambda(lambda q: tf.where(q > 0, 0.0, -np.inf))(quantity)
    weight = layers.Activation("softmax")(layers.Add()([score, closed]))  # <- here
    return layers.Dot(axes=1)([weight, embedded])


items = keras.Input((SLOTS,), dtype="int32", name="items")
quantity = keras.Input((SLOTS,), name="quantity")
embedded = layers.Embedding(N_ITEMS, 10)(items)
pooled = attention_pool(embedded, quantity)
total = layers.Lambda(lambda q: tf.reduce_sum(q, axis=1, keepdims=True) / 10.0)(quantity)
h = layers.Concatenate()([pooled, total])
h = layers.Dense(16, activation="relu")(h)
model = keras.Model([items, quantity], layers.Dense(1)(h))

model.compile(optimizer="sgd", loss="mean_absolute_error", jit_compile=True)
x, y = make_baskets()
ds = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)
model.fit(ds, epochs=3, verbose=0)
