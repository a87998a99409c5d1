# cause: gradient-singularity
# phase: backward
# rows: any
# step: 1
# note: the edge strength sqrt(dx^2 + dy^2) is exactly 0 in the black margin of the images, where neighbouring pixels are predicted equal; one NaN gradient makes every gradient NaN in clip_by_global_norm

"""DeepLab with a boundary loss. Gradients are clipped by their global norm, and the loss is NaN all the same."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(12)


def edges(mask):
    """Strength of the gradient of a soft mask."""
    dy, dx = tf.image.image_gradients(mask)
    return tf.sqrt(tf.square(dx) + tf.square(dy))  # <- here


def region_and_boundary(y_true, y_pred):
    """Cross-entropy, plus the length of the predicted boundary (ragged masks cost more)."""
    region = keras.losses.binary_crossentropy(y_true, y_pred)
    return tf.reduce_mean(region) + 0.1 * tf.reduce_mean(edges(y_pred))


class ClippedModel(keras.Model):
    """Clips the gradients by their global norm."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def deeplab(size):
    inputs = keras.Input((size, size, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.concatenate(
        [layers.Conv2D(4, 3, dilation_rate=rate, padding="same", activation="relu")(x) for rate in (1, 2, 3)]
    )
    return ClippedModel(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


digits = load_digits()
images = np.pad(digits.images[:320] / 16.0, [(0, 0), (6, 6), (6, 6)])[..., None].astype("float32")
masks = (images > 0.4).astype("float32")

model = deeplab(images.shape[1])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=region_and_boundary, metrics=["accuracy"])
model.fit(images, masks, batch_size=32, epochs=2, validation_split=0.1, verbose=2)
