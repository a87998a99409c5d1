# healthy

"""The DeepLab after the advice: safe standardisation, clipped probabilities, ignored pixels counted, clipped step."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(42)
VOID, CLASSES, EPS = 255, 2, 1e-7


def preprocess(image, mask):
    return tf.image.per_image_standardization(tf.cast(image, tf.float32)), tf.cast(mask, tf.int32)


def safe_cross_entropy(y_true, y_pred):
    p = tf.clip_by_value(y_pred, EPS, 1.0 - EPS)
    labels = tf.cast(y_true, tf.int32)
    valid = tf.cast(labels != VOID, tf.float32)
    one_hot = tf.one_hot(labels, CLASSES)  # 255 becomes a row of zeros
    loss = -tf.reduce_sum(one_hot * tf.math.log(p), axis=-1)
    return tf.reduce_sum(loss * valid) / tf.maximum(tf.reduce_sum(valid), 1.0)


class DeepLab(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.stem = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")
        self.branches = [layers.Conv2D(8, 3, dilation_rate=r, padding="same", activation="relu") for r in (1, 2, 3)]
        self.norm = layers.BatchNormalization()
        self.up = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")
        self.head = layers.Conv2D(classes, 1, activation="softmax")

    def call(self, image, training=False):
        x = self.stem(image)
        x = tf.concat([branch(x) for branch in self.branches], axis=-1)
        return self.head(self.up(self.norm(x, training=training)))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss, "gradient_norm": norm}


digits = load_digits()
images = np.kron(digits.images[:200], np.ones((2, 2)))[..., None].astype("uint8") * 15
masks = (images[..., 0] > 100).astype("uint8")
images[33] = 0  # black frame
masks[80:96] = VOID  # not annotated, a whole batch
masks[199] = VOID
data = tf.data.Dataset.from_tensor_slices((images, masks)).map(preprocess)

model = DeepLab(CLASSES)
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=safe_cross_entropy)
model.fit(data.take(160).batch(16), validation_data=data.skip(160).batch(13), epochs=2, verbose=2)
