# cause: label-out-of-range
# phase: data
# rows: any
# step: 5
# note: the binary masks hold 0 and 255 instead of 0 and 1, so the cross-entropy has no minimum and its gradients keep growing until they overflow.

import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)

# Bright squares on noise, and their masks as an image editor saves them
count, size = 192, 12
images = rng.normal(0.0, 0.2, size=(count, size, size, 1)).astype("float32")
masks = np.zeros((count, size, size, 1), dtype="uint8")
for i in range(count):
    row, col = rng.integers(0, size - 5, 2)
    images[i, row : row + 5, col : col + 5] += 1.0
    masks[i, row : row + 5, col : col + 5] = 255  # <- here

inputs = keras.Input(shape=(size, size, 1))
x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
outputs = layers.Conv2D(1, 1)(x)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
)
model.fit(images, masks, batch_size=16, epochs=4, shuffle=False, verbose=2)  # <- or here
