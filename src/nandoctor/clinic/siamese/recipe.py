"""What a training is made of. A fault is another recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers

from nandoctor.clinic.data.draws import Draw
from nandoctor.clinic.models.siamese import UnitLength
from nandoctor.clinic.siamese import losses
from nandoctor.layers import PerImageStandardization

MakeLayer = Callable[[], layers.Layer | None]
MakeLoss = Callable[[], Callable[[Any, Any], Any]]
MakeOptimizer = Callable[[float], keras.optimizers.Optimizer]
MakeCallback = Callable[[], keras.callbacks.Callback]


@dataclass(frozen=True)
class Recipe:
    """The pieces of a training, each of which a fault may replace.

    `before` and `after` are the layers at both ends of the network; `frozen_norm` leaves BatchNorm with the statistics
    that it has, as in fine-tuning; `last` is how the last batch of an epoch is drawn.
    """

    loss: MakeLoss = losses.semi_hard
    optimizer: MakeOptimizer = keras.optimizers.Adam
    rate: float = 1e-3
    before: MakeLayer = PerImageStandardization
    after: MakeLayer = UnitLength
    frozen_norm: bool = False
    draw: Draw = field(default_factory=Draw)
    last: Draw | None = None
    callbacks: tuple[MakeCallback, ...] = ()
    precision: str = "float32"
