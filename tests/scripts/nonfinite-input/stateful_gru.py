# cause: nonfinite-input
# phase: data
# rows: 2
# step: 4
# note: the state of the recurrence, which Keras does not track, is put back before the step is replayed

"""A long series, cut into pieces that follow each other."""
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 5, 3)).astype("float32")
y = x.sum(axis=(1, 2))
x[26, 1, 1] = np.nan  # <- here

recurrent = layers.GRU(4, stateful=True)
model = keras.Sequential([keras.Input(batch_shape=(8, 5, 3)), recurrent, layers.Dense(1)])
model.compile("adam", "mse")
for epoch in range(2):
    model.fit(x, y, batch_size=8, shuffle=False, verbose=2)
    recurrent.reset_state()
