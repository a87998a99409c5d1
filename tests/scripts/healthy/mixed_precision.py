# healthy

"""Mixed precision; the loss scale starts so high that the first steps overflow and are skipped, as designed."""
import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(16)
keras.mixed_precision.set_global_policy("mixed_float16")

digits = load_digits()
images = (digits.images[..., None] / 16.0).astype("float32")
dataset = (
    tf.data.Dataset.from_tensor_slices((images, digits.target))
    .shuffle(2000, seed=3)
    .batch(32, drop_remainder=True)
    .take(50)
)

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Conv2D(8, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(32, activation="relu"),
    layers.Dense(10, dtype="float32"),
])
optimizer = keras.optimizers.LossScaleOptimizer(
    keras.optimizers.Adam(1e-3), initial_scale=2.0**24, dynamic_growth_steps=20
)
model.compile(
    optimizer=optimizer,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(dataset, epochs=1, verbose=2)
