"""Writes `train.npz`: 2,000 small images and their classes, three of them spoilt, as data are when they arrive."""

import numpy as np

draw = np.random.default_rng(0)
y = draw.integers(0, 10, 2000)
x = draw.normal(y[:, None, None] / 10, 0.3, (2000, 12, 12)).astype("float32")
x[412, 3, 4:9] = np.nan  # a dead detector
x[1377] = np.inf  # an exposure of 0 seconds, by which it was divided
y[1650] = 10  # the classes are 0 to 9
np.savez("train.npz", x=x, y=y)
