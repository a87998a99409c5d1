# healthy

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(111)

x, y = make_classification(800, n_features=12, n_informative=6, weights=[0.9], random_state=0)
x = x.astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=200, stratify=y, random_state=1)

counts = np.bincount(y_train)
class_weight = {c: len(y_train) / (2.0 * n) for c, n in enumerate(counts)}


def make_model():
    inputs = keras.Input((12,))
    h = layers.Dense(24, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4))(inputs)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile(
        optimizer="adam",
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.Precision(name="precision")],
        weighted_metrics=[keras.metrics.AUC(name="auc")],
    )
    return model


balanced = make_model()
balanced.fit(
    x_train, y_train,
    batch_size=50, epochs=2, verbose=2,
    class_weight=class_weight,
    validation_data=(x_test, y_test),
)

# rows from the second source count less, those marked as doubtful not at all
sample_weight = np.ones(len(y_train), "float32")
sample_weight[::3] = 0.25
sample_weight[100:150] = 0.0  # a whole batch without any weight
weighted = make_model()
weighted.fit(
    x_train, y_train,
    batch_size=50, epochs=2, verbose=2, shuffle=False,
    sample_weight=sample_weight,
    validation_data=tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(100),
)
