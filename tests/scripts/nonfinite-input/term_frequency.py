# cause: nonfinite-input
# phase: data
# rows: 3
# step: 1
# note: a document without a single vocabulary word has a count sum of 0, so its term frequencies are 0/0 = NaN.

import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(7)
rng = np.random.default_rng(7)

# Bag-of-words counts of 600 short support tickets, 40 vocabulary words, 3 queues
num_docs, vocab_size, num_queues = 600, 40, 3
queues = rng.integers(0, num_queues, num_docs)
word_rates = rng.gamma(0.6, 0.2, size=(num_queues, vocab_size))
counts = rng.poisson(word_rates[queues]).astype("float32")

# Use term frequencies, so that long tickets do not dominate
tf_features = counts / counts.sum(axis=1, keepdims=True)  # <- here

model = keras.Sequential(
    [
        layers.Input(shape=(vocab_size,)),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(num_queues, activation="softmax"),
    ]
)
model.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(tf_features, queues, batch_size=32, epochs=2, shuffle=False, verbose=2)  # <- or here
