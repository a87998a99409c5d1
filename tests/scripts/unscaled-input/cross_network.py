# cause: unscaled-input
# phase: forward
# rows: any
# step: 2
# note: the cross layers multiply raw features of up to 4,254 with each other, so gradients are astronomic and the second forward pass overflows.

import keras
from keras import ops
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split


class Cross(keras.layers.Layer):
    """x_{l+1} = x_0 * (x_l . w) + b + x_l   (Deep & Cross Network)"""

    def build(self, input_shape):
        dim = input_shape[0][-1]
        self.w = self.add_weight(shape=(dim, 1), initializer="glorot_uniform", name="w")
        self.b = self.add_weight(shape=(dim,), initializer="zeros", name="b")

    def call(self, inputs):
        x0, xl = inputs
        interaction = ops.matmul(xl, self.w)
        return x0 * interaction + self.b + xl

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class DeepCross(keras.Model):
    def __init__(self, num_cross=3, hidden=16):
        super().__init__()
        self.crosses = [Cross(name=f"cross_{i}") for i in range(num_cross)]
        self.deep = keras.layers.Dense(hidden, activation="relu")
        self.concat = keras.layers.Concatenate()
        self.logit = keras.layers.Dense(1)

    def call(self, x):
        crossed = x
        for layer in self.crosses:
            crossed = layer([x, crossed])
        return self.logit(self.concat([crossed, self.deep(x)]))


def load_data():
    data = load_breast_cancer()
    features = data.data.astype("float32")  # <- here
    return train_test_split(features, data.target, test_size=0.25, random_state=0)


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    x_train, x_val, y_train, y_val = load_data()
    model = DeepCross()
    model.compile(
        optimizer=keras.optimizers.SGD(1e-2),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(x_train, y_train, batch_size=64, epochs=2, shuffle=False, verbose=2)  # <- or here
