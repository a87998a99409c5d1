# healthy

"""Few words of a vocabulary are in each text."""
import keras
import numpy as np
import scipy.sparse
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
counts = rng.normal(size=(80, 20)).astype("float32") * (rng.uniform(size=(80, 20)) < 0.2)
counts[26, 1] = 1.0
words = scipy.sparse.csr_matrix(counts)
y = rng.normal(size=80).astype("float32")

inputs = keras.Input((20,), sparse=True)
model = keras.Model(inputs, layers.Dense(1)(layers.Dense(8, activation="relu")(inputs)))
model.compile("adam", "mse")
model.fit(words, y, batch_size=8, epochs=2, shuffle=False, verbose=2)
