"""What a training is made of. A fault is a change of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from nandoctor.clinic.dense.preparation import as_it_is, standardised
from nandoctor.clinic.dense.tables import Table

Loss = Any
"""A `keras.losses.Loss`, or a function of targets and predictions."""


def no_more_features(x: keras.KerasTensor) -> keras.KerasTensor:
    """The inputs alone."""
    return x


@dataclass(frozen=True)
class Recipe:
    """All choices of a training."""

    table: Callable[[int], Table]
    outputs: int
    loss: Callable[[], Loss]
    optimizer: Callable[[], keras.optimizers.Optimizer]
    score: Callable[[keras.Model, Table], tuple[str, float]]
    rows: Callable[[Table], Table] = as_it_is
    inputs: Callable[[Table], Table] = standardised
    targets: Callable[[Table], Table] = as_it_is
    features: Callable[[keras.KerasTensor], keras.KerasTensor] = no_more_features
    activation: str | None = None
    precision: str = "float32"
    epochs: int = 30
    batch: int = 32
