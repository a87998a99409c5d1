# healthy

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(2025)

digits = load_digits()
x = digits.images[..., None].astype("float32")
x_train, x_val, y_train, y_val = train_test_split(x, digits.target, train_size=640, random_state=4)

augment = keras.Sequential(
    [
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        layers.RandomRotation(0.05),
        layers.RandomContrast(0.2, value_range=(0.0, 16.0)),
    ],
    name="augment",
)

inputs = keras.Input((8, 8, 1))
h = augment(inputs)
h = layers.Rescaling(1.0 / 16)(h)
h = layers.GaussianNoise(0.1)(h)
h = layers.Conv2D(12, 3, padding="same", activation="relu")(h)
h = layers.SpatialDropout2D(0.1)(h)
h = layers.MaxPooling2D()(h)
h = layers.Flatten()(h)
h = layers.Dropout(0.4)(h)
outputs = layers.Dense(10, activation="softmax")(h)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.AdamW(3e-3, weight_decay=1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=32, epochs=2, validation_data=(x_val, y_val), verbose=2)
