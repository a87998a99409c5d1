# healthy

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(17)

TAGS = ["sport", "politics", "music", "film", "science", "travel", "chess", "food"]


def load_articles(n=400, vocabulary=50, seed=8):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.6, size=(n, vocabulary)).astype("float32")
    prior = np.array([0.3, 0.25, 0.2, 0.2, 0.1, 0.1, 0.0, 0.15])
    tags = (rng.random((n, len(TAGS))) < prior).astype("float32")
    counts[:, : len(TAGS)] += 2 * tags
    return np.log1p(counts), tags


x_train, y_train = load_articles()

# start from the class frequencies, so that the first epochs are not wasted on learning the bias
positives = y_train.sum(axis=0) + 1.0  # Laplace smoothing
negatives = len(y_train) + 2.0 - positives
initial_bias = np.log(positives / negatives)

model = keras.Sequential([
    layers.Input(shape=(x_train.shape[1],)),
    layers.Dense(32, activation="relu"),
    layers.Dropout(0.2),
    layers.Dense(len(TAGS), bias_initializer=keras.initializers.Constant(initial_bias)),
])
model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(x_train, y_train, batch_size=50, epochs=3)
