"""The losses of the three examples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from nandoctor.clinic.dense.tables import Table
from nandoctor.ops import softplus


def binary_cross_entropy() -> Any:
    """A loss of one's own, from logits: `softplus(z) - y z`, which takes no log of a probability."""

    def cross_entropy(y: Any, logits: Any) -> Any:
        y, logits = ops.cast(ops.reshape(y, (-1,)), "float32"), ops.cast(ops.reshape(logits, (-1,)), "float32")
        return ops.mean(softplus(logits) - y * logits)

    return cross_entropy


def squared_error() -> Any:
    """The mean squared error."""
    return keras.losses.MeanSquaredError()


def cross_entropy() -> Any:
    """Of ten classes, from logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def accuracy(model: keras.Model, table: Table) -> tuple[str, float]:
    """The share of validation rows whose class is right: of one logit or probability by its sign or its half."""
    found = np.asarray(model.predict(table.x_valid, verbose=0), np.float64)
    if found.shape[-1] > 1:
        return "accuracy", float(np.mean(found.argmax(axis=-1) == table.y_valid))
    half = 0.5 if model.layers[-1].activation is keras.activations.sigmoid else 0.0
    return "accuracy", float(np.mean((found[:, 0] > half) == table.y_valid))


def explained(model: keras.Model, table: Table) -> tuple[str, float]:
    """The share of the validation targets' variance that the predictions explain, R squared."""
    found = np.asarray(model.predict(table.x_valid, verbose=0), np.float64)[:, 0]
    errors = np.mean((found - table.y_valid) ** 2)
    return "R squared", float(1 - errors / np.var(table.y_valid))
