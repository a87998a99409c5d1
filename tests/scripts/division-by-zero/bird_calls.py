# cause: division-by-zero
# phase: forward
# rows: any
# step: any
# note: a batch without nightjars: their share is n / 0, times a one-hot of 0

"""Classify bird calls (MFCC summary vectors); some species are rarely heard."""
import numpy as np
import tensorflow as tf
import keras
from keras import layers

SPECIES = ["wren", "robin", "finch", "tit", "nightjar"]
PRIOR = [0.34, 0.30, 0.2, 0.12, 0.04]


def recordings(n=700, seed=17):
    rng = np.random.default_rng(seed)
    y = rng.choice(len(SPECIES), n, p=PRIOR)
    centres = rng.normal(0, 1.2, (len(SPECIES), 20))
    x = centres[y] + rng.normal(0, 1.0, (n, 20))
    return x.astype("float32"), y.astype("int32")


class BalancedClassifier(keras.Model):
    """Every species present has the same say in the loss of a step."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes
        self.body = keras.Sequential(
            [layers.Dense(48, activation="relu"), layers.Dropout(0.2), layers.Dense(24, activation="relu")]
        )
        self.head = layers.Dense(num_classes)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.acc = keras.metrics.SparseCategoricalAccuracy(name="acc")

    def call(self, x, training=False):
        return self.head(self.body(x, training=training))

    @property
    def metrics(self):
        return [self.loss_tracker, self.acc]

    def balanced_loss(self, y, logits):
        onehot = tf.one_hot(y, self.num_classes)
        heard = tf.reduce_sum(onehot, axis=0)  # <- or here
        share = tf.cast(tf.shape(y)[0], tf.float32) / (self.num_classes * heard)  # <- here
        w = tf.reduce_sum(onehot * share, axis=-1)  # <- or here
        ce = tf.nn.softmax_cross_entropy_with_logits(onehot, logits)
        return tf.reduce_mean(w * ce)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            loss = self.balanced_loss(y, logits)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.acc.update_state(y, logits)
        return {m.name: m.result() for m in self.metrics}


if __name__ == "__main__":
    keras.utils.set_random_seed(17)
    x, y = recordings()
    model = BalancedClassifier(len(SPECIES))
    model.compile(optimizer=keras.optimizers.Adam(2e-3))
    h = model.fit(x, y, batch_size=50, epochs=4, verbose=0)
    print(h.history["loss"], h.history["acc"])
