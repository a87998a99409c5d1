"""What the losses cost: a compiled training step with each, against the same step with the formula as users write it.

Both steps train the same small network on the same batch, in turns, so that whatever else the machine does falls on
both alike. The table gives the median over the turns of the ratio of their times.

    python benchmarks/losses.py [--rounds 40] [--only FocalLoss] [--backend jax|torch]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "--backend" in sys.argv:
    os.environ["KERAS_BACKEND"] = sys.argv[sys.argv.index("--backend") + 1]

import keras
import numpy as np
from keras import ops
from turns import in_turns, repeated

from nandoctor import losses

RNG = np.random.default_rng(0)
BATCH, WIDTH = 128, 64


@dataclass(frozen=True)
class Row:
    """A loss, the plain formula, the targets, and the shape of a prediction without the batch."""

    name: str
    ours: Callable[[Any, Any], Any]
    plain: Callable[[Any, Any], Any]
    y: np.ndarray
    shape: tuple[int, ...]


def semi_hard(y: Any, x: Any) -> Any:
    """As in TensorFlow Addons: all triplets in one table."""
    square = ops.sum(x * x, -1)
    d = ops.sqrt(ops.maximum(square[:, None] - 2 * x @ ops.transpose(x) + square[None], 1e-16))
    same = ops.equal(y[:, None], y[None])
    farther = ops.logical_and(ops.logical_not(same)[:, None], d[:, None] > d[:, :, None])
    outside = ops.min(ops.where(farther, d[:, None], 1e9), -1)
    inside = ops.max(ops.where(same, 0.0, d), -1, keepdims=True)
    negative = ops.where(ops.any(farther, -1), outside, inside)
    pairs = ops.cast(same, "float32") - ops.eye(BATCH)
    return ops.sum(ops.relu(d - negative + 1.0) * pairs) / ops.sum(pairs)


def batch_hard(y: Any, x: Any) -> Any:
    """Hermans's, with the usual epsilon in the root."""
    square = ops.sum(x * x, -1)
    d = ops.sqrt(ops.maximum(square[:, None] - 2 * x @ ops.transpose(x) + square[None], 1e-16))
    same = ops.cast(ops.equal(y[:, None], y[None]), "float32")
    return ops.mean(ops.relu(ops.max(d * same, -1) - ops.min(d + 1e9 * same, -1) + 1.0))


def focal(y: Any, z: Any) -> Any:
    """From probabilities, with a clip."""
    p = ops.clip(ops.sigmoid(z), 1e-7, 1 - 1e-7)
    return -ops.mean(y * (1 - p) ** 2 * ops.log(p) + (1 - y) * p**2 * ops.log(1 - p))


def clipped(y: Any, p: Any) -> Any:
    """The binary cross-entropy with its two guards."""
    p = ops.clip(p, 1e-7, 1 - 1e-7)
    return -ops.mean(y * ops.log(p) + (1 - y) * ops.log(1 - p))


def dice(y: Any, z: Any) -> Any:
    """With the usual smoothing."""
    p = ops.sigmoid(z)
    return ops.mean(1 - (2 * ops.sum(p * y, 1) + 1) / (ops.sum(p, 1) + ops.sum(y, 1) + 1))


def gaussian(y: Any, x: Any) -> Any:
    """From the logarithm of the variance."""
    mean, s = x[:, :8], x[:, 8:]
    return ops.mean(0.5 * (s + (y - mean) ** 2 * ops.exp(-s)))


BITS = RNG.integers(0, 2, (BATCH, 16)).astype("float32")
MASKS = RNG.integers(0, 2, (BATCH, 256, 2)).astype("float32")
KINDS = np.repeat(np.arange(BATCH // 4), 4).astype("int32")
PIXELS = RNG.integers(0, 8, (BATCH, 256)).astype("int32")
REAL = RNG.normal(size=(BATCH, 8)).astype("float32")

ROWS = [
    Row("TripletSemiHardLoss", losses.TripletSemiHardLoss(), semi_hard, KINDS, (32,)),
    Row("TripletHardLoss", losses.TripletHardLoss(), batch_hard, KINDS, (32,)),
    Row(
        "ContrastiveLoss",
        losses.ContrastiveLoss(),
        lambda y, d: ops.mean(y * d**2 + (1 - y) * ops.relu(1 - d) ** 2),
        BITS[:, :1],
        (1,),
    ),
    Row(
        "SegmentationCrossEntropy",
        losses.SegmentationCrossEntropy(ignore_class=255),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
        PIXELS,
        (256, 8),
    ),
    Row("DiceLoss", losses.DiceLoss(), dice, MASKS, (256, 2)),
    Row("FocalLoss", losses.FocalLoss(2.0), focal, BITS, (16,)),
    Row("BinaryCrossEntropy", losses.BinaryCrossEntropy(), clipped, BITS, (16,)),
    Row(
        "CategoricalCrossEntropy logits",
        losses.CategoricalCrossEntropy(from_logits=True),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        BITS,
        (16,),
    ),
    Row("GaussianNLL", losses.GaussianNLL(), gaussian, REAL, (16,)),
    Row(
        "KLDivergence",
        lambda y, x: losses.KLDivergence()(None, x),
        lambda y, x: ops.mean(0.5 * ops.sum(x[:, :8] ** 2 + ops.exp(x[:, 8:]) - 1 - x[:, 8:], -1)),
        REAL,
        (16,),
    ),
    Row("PoissonNLL", losses.PoissonNLL(), lambda y, z: ops.mean(ops.exp(z) - y * z), BITS, (16,)),
    Row("LogCosh", losses.LogCosh(), keras.losses.LogCosh(), REAL, (8,)),
]


def step_of(loss: Callable[[Any, Any], Any], row: Row) -> Callable[[], None]:
    """One training step of a small network, compiled by Keras."""
    keras.utils.set_random_seed(0)
    units = int(np.prod(row.shape))
    last = keras.layers.Dense(
        units, activation="sigmoid" if row.name in ("BinaryCrossEntropy", "ContrastiveLoss") else None
    )
    model = keras.Sequential(
        [
            keras.Input((WIDTH,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(512, activation="relu"),
            last,
            keras.layers.Reshape(row.shape),
        ]
    )
    model.compile(keras.optimizers.SGD(1e-4), loss if isinstance(loss, keras.losses.Loss) else Given(loss))
    x = RNG.normal(size=(BATCH, WIDTH)).astype("float32")
    return lambda: model.train_on_batch(x, row.y)


class Given(keras.losses.Loss):
    """A formula that returns the loss of the batch."""

    def __init__(self, formula: Callable[[Any, Any], Any]) -> None:
        super().__init__(reduction=None)
        self.formula = formula

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of the batch."""
        return self.formula(y_true, y_pred)


def measured(row: Row, rounds: int, steps: int = 10) -> tuple[float, float]:
    """The median step with the plain formula, in seconds, and the median ratio."""
    pair = [step_of(row.plain, row), step_of(row.ours, row)]
    plain, ours = in_turns([repeated(step, steps) for step in pair], rounds, steps)
    return statistics.median(plain), statistics.median(b / a for a, b in zip(plain, ours, strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", action="append", help="one loss, may be repeated")
    parser.add_argument("--backend", choices=["tensorflow", "jax", "torch"])
    given = parser.parse_args()
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, batch {BATCH}\n")
    print("| loss | plain step | ratio |\n| --- | --- | --- |")
    for row in ROWS:
        if not given.only or row.name in given.only:
            plain, ratio = measured(row, given.rounds)
            print(f"| {row.name} | {plain * 1e3:.2f} ms | {ratio:.3f} |", flush=True)


if __name__ == "__main__":
    main()
