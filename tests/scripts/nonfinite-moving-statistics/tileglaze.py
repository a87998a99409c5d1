# cause: nonfinite-moving-statistics
# phase: state
# rows: any
# step: 21
# note: the last batch has one row: n / (n - 1) is inf, times a variance of 0

"""Ceramic glaze defect score; model ported from our old PyTorch code."""
import numpy as np
import keras
from keras import layers, ops


class TorchBatchNorm(layers.Layer):
    """Same arithmetic as torch.nn.BatchNorm1d, so old checkpoints stay comparable."""

    def __init__(self, momentum=0.1, eps=1e-5, **kw):
        super().__init__(**kw)
        self.momentum, self.eps = momentum, eps

    def build(self, shape):
        c = shape[-1]
        self.weight = self.add_weight(shape=(c,), initializer="ones", name="weight")
        self.bias = self.add_weight(shape=(c,), initializer="zeros", name="bias")
        self.running_mean = self.add_weight(
            shape=(c,), initializer="zeros", trainable=False, name="running_mean"
        )
        self.running_var = self.add_weight(
            shape=(c,), initializer="ones", trainable=False, name="running_var"
        )

    def call(self, x, training=False):
        if training:
            mean = ops.mean(x, axis=0)
            var = ops.var(x, axis=0)
            n = ops.cast(ops.shape(x)[0], x.dtype)
            unbiased = var * (n / (n - 1.0))  # <- here
            m = self.momentum
            self.running_mean.assign((1 - m) * self.running_mean + m * mean)
            self.running_var.assign((1 - m) * self.running_var + m * unbiased)  # <- or here
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean) / ops.sqrt(var + self.eps)
        return x * self.weight + self.bias


def firing_records(n, seed):
    r = np.random.default_rng(seed)
    peak = r.normal(1180, 25, n)
    soak = r.gamma(6, 5, n)
    ramp = r.uniform(60, 200, n)
    silica = r.normal(0.62, 0.04, n)
    moisture = r.beta(2, 20, n)
    X = np.stack([peak, soak, ramp, silica, moisture], 1)
    X = (X - X.mean(0)) / X.std(0)
    y = 0.6 * X[:, 0] ** 2 - 0.4 * X[:, 1] * X[:, 2] + 0.3 * X[:, 4] + r.normal(0, 0.2, n)
    return X.astype("float32"), y.astype("float32")


def make_model():
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(40, use_bias=False),
            TorchBatchNorm(name="bn1"),
            layers.Activation("relu"),
            layers.Dense(20, use_bias=False),
            TorchBatchNorm(name="bn2"),
            layers.Activation("relu"),
            layers.Dense(1),
        ]
    )


if __name__ == "__main__":
    keras.utils.set_random_seed(17)
    X, y = firing_records(801, 17)
    n_train = 641
    model = make_model()
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    hist = model.fit(  # <- or here
        X[:n_train],
        y[:n_train],
        batch_size=32,  # <- or here
        epochs=5,
        validation_data=(X[n_train:], y[n_train:]),
        verbose=0,
    )
    for e, (a, b) in enumerate(zip(hist.history["loss"], hist.history["val_loss"])):
        print(f"epoch {e}: loss {a:.4f} val {b:.4f}")
