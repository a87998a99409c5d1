"""What a training is made of. A fault is a change of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, optimizers
from keras.optimizers import schedules

from nandoctor.clinic.data.segmentation import Segmentation
from nandoctor.clinic.deeplab.losses import Loss, segmentation
from nandoctor.clinic.deeplab.smoothness import Length
from nandoctor.clinic.deeplab.standardization import standardization
from nandoctor.clinic.models.deeplabv3 import batch_normalization
from nandoctor.ops import norm


def stochastic_descent(rate: schedules.LearningRateSchedule, decay: float) -> optimizers.Optimizer:
    """Descent with momentum, as published. Scales and offsets are not decayed: they do not make a model complex."""
    optimizer = optimizers.SGD(rate, momentum=0.9, weight_decay=decay or None)  # <- learning-rate
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def unchanged(value: Any) -> Any:
    """The value itself."""
    return value


@dataclass(frozen=True)
class Recipe:
    """All choices of a training; the defaults are sound."""

    depth: int = 18
    width: int = 32
    output_stride: int = 16
    rates: tuple[int, int, int] = (6, 12, 18)
    dropout: float = 0.0
    batch: int = 8
    epochs: int = 30
    steps: int | None = None
    rate: float = 0.05
    decay: float = 1e-4
    crop: tuple[int, int] | None = None
    precision: str = "float32"
    seed: int = 0

    data: Callable[[Segmentation], Segmentation] = unchanged
    standardization: Callable[[], layers.Layer] = standardization
    pooled_normalization: Callable[[str], layers.Layer] = batch_normalization
    head: Callable[[keras.KerasTensor], keras.KerasTensor] = unchanged
    loss: Callable[[int], Loss] = segmentation
    """From the id of void."""
    smoothness: float = 0.0
    length: Length = norm
    arrangements: tuple[Callable[[keras.Model], None], ...] = ()
    """What is done to the model before it is compiled."""
    optimizer: Callable[[schedules.LearningRateSchedule, float], optimizers.Optimizer] = stochastic_descent
