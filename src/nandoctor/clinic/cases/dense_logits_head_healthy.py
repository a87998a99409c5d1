"""A focal loss that is given logits and says so

The last layer gives logits, and Keras's focal loss is told: from_logits=True. It computes with their logarithms in a
stable way.
"""
# healthy
# claims: C9, C1

import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(38)

x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x)
x_train, x_test, y_train, y_test = train_test_split(x, y.astype("float32")[:, None], test_size=0.2, random_state=38)


focal_loss = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25, gamma=2.0, from_logits=True)

model = keras.Sequential([
    keras.Input((30,)),
    layers.Dense(24, activation="relu"),
    layers.Dense(1),
])
model.compile(optimizer="adam", loss=focal_loss, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])
model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=32, epochs=3, verbose=2)
