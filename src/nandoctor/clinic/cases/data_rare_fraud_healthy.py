"""The mean over the frauds of a batch, or 0 if it has none

The sum over the frauds is divided by their number, or by 1 if there is none: the term is 0 for such a batch.
"""
# healthy
# claims: C1, C9

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

FRAUD_WEIGHT = 5.0

keras.utils.set_random_seed(12)

x, y = make_classification(
    n_samples=4000, n_features=16, n_informative=8, weights=[0.975], flip_y=0.0, class_sep=1.5, random_state=12
)
x = StandardScaler().fit_transform(x).astype("float32")
y = y.astype("float32")


class FraudDetector(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(32, activation="relu")
        self.dropout = layers.Dropout(0.2)
        self.score = layers.Dense(1)

    def call(self, x, training=False):
        return self.score(self.dropout(self.hidden(x), training=training))[:, 0]

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            error = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
            missed = tf.reduce_sum(error * y) / tf.maximum(tf.reduce_sum(y), 1.0)
            loss = tf.reduce_mean(error) + FRAUD_WEIGHT * missed
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss, "missed": missed}


model = FraudDetector()
model.compile(optimizer=keras.optimizers.Adam(2e-3))
model.fit(x, y, batch_size=64, epochs=3, shuffle=False, verbose=2)
