# cause: clip-of-nonfinite
# phase: update
# rows: any
# step: 1
# note: with the start scale of 2**15 some half precision gradients are inf, as is usual, but they are clipped before anybody asks whether they are finite, and all become NaN.

"""Half precision classifier with a hand-made loss scale."""
import keras
import tensorflow as tf
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler


class HalfPrecisionModel(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.hidden = [keras.layers.Dense(width, activation="relu", dtype="mixed_float16") for _ in range(2)]
        self.head = keras.layers.Dense(1, dtype="mixed_float16")
        self.loss_scale = tf.Variable(2.0**15, trainable=False)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return tf.cast(self.head(x), tf.float32)

    def clip(self, gradients, limit=1.0):
        unscaled = [g / self.loss_scale for g in gradients]
        clipped, _ = tf.clip_by_global_norm(unscaled, limit)  # <- here
        return clipped

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
            scaled_loss = loss * self.loss_scale
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(self.clip(gradients), self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


keras.utils.set_random_seed(1234)
x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")
y = y.astype("float32")[:, None]

model = HalfPrecisionModel(width=32)
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
    loss=keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum"),
    jit_compile=False,
)
model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=2)
