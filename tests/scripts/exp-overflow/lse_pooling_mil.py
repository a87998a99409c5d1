# cause: exp-overflow
# phase: forward
# rows: 4
# step: 2
# note: the smooth maximum is computed as log(mean(exp(r * score))) with r = 70, and a clearly positive patch scores 1.5: exp(105) overflows

import numpy as np
import tensorflow as tf
import keras


class SmoothMax(keras.layers.Layer):
    """Log-sum-exp pooling over the instances of a bag; r -> inf is the maximum."""

    def __init__(self, sharpness=70.0, **kwargs):
        super().__init__(**kwargs)
        self.sharpness = sharpness

    def call(self, scores):
        scaled = self.sharpness * scores
        pooled = tf.reduce_mean(tf.exp(scaled), axis=1)  # <- here
        return tf.math.log(pooled) / self.sharpness

    def get_config(self):
        return {**super().get_config(), "sharpness": self.sharpness}


def make_bags(bags=120, instances=10, features=6):
    """Slides made of patches; a positive slide has at least one lesion patch."""
    rng = np.random.default_rng(8)
    patches = rng.normal(0, 0.25, size=(bags, instances, features))
    label = rng.integers(0, 2, size=bags)
    for i in np.flatnonzero(label):
        patches[i, rng.integers(instances)] += 0.5
    label[16] = 1
    patches[16, 3] = [2.1, -2.0, 2.2, -1.9, 2.0, -2.1]  # a large lesion
    return patches.astype("float32"), label.astype("float32").reshape(-1, 1)


keras.utils.set_random_seed(8)
x, y = make_bags()

bag = keras.Input(shape=(None, 6))
h = keras.layers.Dense(12, activation="tanh")(bag)
scores = keras.layers.Dense(1, name="patch_score")(h)
model = keras.Model(bag, SmoothMax()(scores), name="mil")

model.compile(
    optimizer=keras.optimizers.SGD(0.01),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    jit_compile=False,
)
model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=2)
