# cause: division-by-zero
# phase: forward
# rows: any
# step: 4
# note: the fourth batch holds no sample of class 2, its count is 0, so the class weight is inf and inf * 0 is NaN for every row

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Config:
    classes: int = 3
    batch_size: int = 18
    learning_rate: float = 0.05
    seed: int = 2


class BalancedClassifier(tf.keras.Model):
    """Every class has the same say in the loss of a batch."""

    def __init__(self, cfg: Config):
        super().__init__()
        self.cfg = cfg
        self.hidden = tf.keras.layers.Dense(12, activation="relu")
        self.logits = tf.keras.layers.Dense(cfg.classes)
        self.loss_tracker = tf.keras.metrics.Mean(name="loss")

    def call(self, x):
        return self.logits(self.hidden(x))

    def sample_weights(self, onehot):
        n = tf.cast(tf.shape(onehot)[0], tf.float32)
        counts = tf.reduce_sum(onehot, axis=0)
        per_class = n / (self.cfg.classes * counts)  # <- here
        return tf.reduce_sum(onehot * per_class, axis=-1)

    def train_step(self, data):
        x, y = data
        onehot = tf.one_hot(y, self.cfg.classes)
        with tf.GradientTape() as tape:
            xent = tf.nn.softmax_cross_entropy_with_logits(onehot, self(x, training=True))
            loss = tf.reduce_mean(self.sample_weights(onehot) * xent)
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


cfg = Config()
tf.keras.utils.set_random_seed(cfg.seed)
x, y = load_wine(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")

order = np.random.default_rng(cfg.seed).permutation(len(y))
tail = np.argsort(y[order[54:]] == 2, kind="stable")
order = np.concatenate([order[:54], order[54:][tail]])
ds = tf.data.Dataset.from_tensor_slices((x[order], y[order])).batch(cfg.batch_size)

model = BalancedClassifier(cfg)
model.compile(optimizer=tf.keras.optimizers.SGD(cfg.learning_rate, momentum=0.9))
model.fit(ds, epochs=2, verbose=2)
