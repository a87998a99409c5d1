"""0 / 0 in the feature engineering puts NaN into the data

A few tumours have a concavity of 0, so the new column "concave points per concavity" is 0 / 0 there. The scaler passes
NaN through without a word, and the first batch that holds such a row ends the training.
"""
# cause: nonfinite-input
# phase: data
# rows: 5
# step: 4
# claims: C1, C4

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(1)

data = load_breast_cancer()
column = {name: k for k, name in enumerate(data.feature_names)}


def engineer(table):
    """Add two ratios that pathologists look at."""
    area = table[:, column["mean area"]]
    perimeter = table[:, column["mean perimeter"]]
    concavity = table[:, column["mean concavity"]]
    points = table[:, column["mean concave points"]]
    roundness = 4 * np.pi * area / perimeter**2
    sharpness = points / concavity  # <- here
    return np.column_stack([table, roundness, sharpness])


features = StandardScaler().fit_transform(engineer(data.data)).astype("float32")
labels = data.target.astype("float32")

model = keras.Sequential([
    keras.Input((features.shape[1],)),
    layers.Dense(32, activation="relu"),
    layers.Dropout(0.2),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(features, labels, batch_size=32, epochs=3, shuffle=False, verbose=2)  # <- or here
