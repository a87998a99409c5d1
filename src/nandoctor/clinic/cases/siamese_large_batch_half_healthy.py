# healthy
# claims: A2, R10
"""As many pairs as float16 can count

32 images make 1,024 pairs.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from nandoctor.clinic.models.resnet import resnet

BATCH = 32
MARGIN = 1.0

keras.utils.set_random_seed(38)
keras.mixed_precision.set_global_policy("mixed_float16")
digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")


class Branch(keras.Model):
    """The shared branch, and its loss, which is computed in the dtype of the embeddings."""

    def __init__(self):
        super().__init__()
        inputs = keras.Input((8, 8, 1))
        x = resnet(inputs, depth=18, width=8, stem="small", output_stride=4)
        x = layers.UnitNormalization()(layers.Dense(16)(layers.GlobalAveragePooling2D()(x)))
        self.network = keras.Model(inputs, x)

    def call(self, batch):
        pictures, names = batch
        embeddings = self.network(pictures)
        self.add_loss(pair_loss(names, embeddings))
        return embeddings


def pair_loss(names, embeddings):
    d = 2.0 - 2.0 * tf.matmul(embeddings, embeddings, transpose_b=True)
    same = tf.equal(names[:, None], names[None, :])
    cost = tf.where(same, d, tf.nn.relu(MARGIN - d))
    return tf.reduce_sum(cost) / tf.reduce_sum(tf.ones_like(cost))


model = Branch()
model.compile(optimizer=keras.optimizers.Adam(1e-3))
dataset = tf.data.Dataset.from_tensor_slices(((images[:960], labels[:960]),)).batch(BATCH)
model.fit(dataset, epochs=1, verbose=2)
