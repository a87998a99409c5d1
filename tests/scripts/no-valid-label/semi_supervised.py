# cause: no-valid-label
# phase: forward
# rows: any
# step: 14
# note: the pool of unlabelled images follows the labelled ones, so a batch without any label takes the mean of an empty tensor.

import numpy as np
import tensorflow as tf
import keras
from sklearn.datasets import load_digits

UNLABELLED = -1


class SemiSupervised(keras.Model):
    """Classifier with a consistency term; label -1 means unlabelled."""

    def __init__(self, backbone, head, consistency=0.3, **kwargs):
        super().__init__(**kwargs)
        self.backbone, self.head, self.consistency = backbone, head, consistency

    def call(self, x):
        return self.head(self.backbone(x))

    def supervised_loss(self, labels, logits):
        has_label = tf.not_equal(labels, UNLABELLED)
        ce = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.boolean_mask(labels, has_label),
            logits=tf.boolean_mask(logits, has_label),
        )
        return tf.reduce_mean(ce)  # <- here

    def train_step(self, data):
        x, labels = data
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            noisy = self(x + tf.random.normal(tf.shape(x), stddev=0.1), training=True)
            agreement = tf.reduce_mean(tf.square(logits - noisy))
            loss = self.supervised_loss(labels, logits) + self.consistency * agreement
        grads = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
        return {"loss": loss, "agreement": agreement}


def make_pool(labelled=300, total=480):
    digits = load_digits()
    x = digits.data[:total].astype("float32") / 16.0
    y = digits.target[:total].astype("int32")
    y[labelled:] = UNLABELLED
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(24).prefetch(tf.data.AUTOTUNE)


keras.utils.set_random_seed(10)
backbone = keras.Sequential([keras.layers.Dense(32, activation="relu")])
model = SemiSupervised(backbone, keras.layers.Dense(10))
model.compile(optimizer=keras.optimizers.Adam(2e-3), jit_compile=False)
model.fit(make_pool(), epochs=2, verbose=2)
