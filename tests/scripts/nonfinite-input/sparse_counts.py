# cause: nonfinite-input
# phase: data
# rows: 2
# step: 4
# note: the values of a sparse tensor have no rows of their own

"""Few words of a vocabulary are in each text."""
import keras
import numpy as np
import scipy.sparse
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
counts = rng.normal(size=(80, 20)).astype("float32") * (rng.uniform(size=(80, 20)) < 0.2)
counts[26, 1] = np.nan  # <- here
words = scipy.sparse.csr_matrix(counts)
y = rng.normal(size=80).astype("float32")

inputs = keras.Input((20,), sparse=True)
model = keras.Model(inputs, layers.Dense(1)(layers.Dense(8, activation="relu")(inputs)))
model.compile("adam", "mse")
model.fit(words, y, batch_size=8, epochs=2, shuffle=False, verbose=2)
