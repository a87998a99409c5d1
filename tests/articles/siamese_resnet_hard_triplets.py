# cause: gradient-singularity
# phase: backward
# rows: 9
# step: 2
# note: row 9 is the only image of its digit in the batch, so its hardest positive is itself; the norm is differentiated at a distance of exactly 0

"""ResNet Siamese network with TripletHardLoss: one encoder for all images, triplets mined in the batch."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(42)

IMG_SIZE = (16, 16)
BATCH_SIZE = 32


def pairwise_distance(embeddings):
    differences = tf.expand_dims(embeddings, 1) - tf.expand_dims(embeddings, 0)
    return tf.norm(differences, axis=-1)  # <- here


class TripletHardLoss(keras.losses.Loss):
    def __init__(self, margin=1.0, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        labels = tf.reshape(y_true, [-1, 1])
        distances = pairwise_distance(y_pred)
        same = tf.cast(tf.equal(labels, tf.transpose(labels)), tf.float32)
        hardest_positive = tf.reduce_max(distances * same, axis=1)
        hardest_negative = tf.reduce_min(distances + 1e3 * same, axis=1)
        return tf.maximum(hardest_positive - hardest_negative + self.margin, 0.0)


def residual_block(x, filters, stride=1):
    shortcut = layers.Conv2D(filters, 1, strides=stride)(x)
    x = layers.Conv2D(filters, 3, strides=stride, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation("relu")(layers.add([x, shortcut]))


def preprocess(image, label):
    image = tf.image.resize(tf.cast(image, tf.float32) / 16.0, IMG_SIZE)
    return tf.image.per_image_standardization(image), label


digits = load_digits()
images = digits.images[..., np.newaxis]
train = tf.data.Dataset.from_tensor_slices((images[:640], digits.target[:640])).map(preprocess).batch(BATCH_SIZE)
val = tf.data.Dataset.from_tensor_slices((images[640:960], digits.target[640:960])).map(preprocess).batch(BATCH_SIZE)

inputs = keras.Input(IMG_SIZE + (1,))
x = residual_block(inputs, 8)
x = residual_block(x, 16, stride=2)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(32)(x))

model.compile(optimizer=keras.optimizers.Adam(1e-4), loss=TripletHardLoss())
model.fit(train, validation_data=val, epochs=2, verbose=2)
