"""What a training is made of. A fault is another recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from nandoctor.clinic.data.draws import Draw
from nandoctor.clinic.models.siamese import UnitLength
from nandoctor.clinic.siamese import losses

MakeLayer = Callable[[], layers.Layer | None]
MakeLoss = Callable[[], Callable[[Any, Any], Any]]
MakeOptimizer = Callable[[float], keras.optimizers.Optimizer]
MakeCallback = Callable[[], keras.callbacks.Callback]


def eight_bits(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Pixels as the readers give them, 0..255."""
    return pixels


@dataclass(frozen=True)
class Recipe:
    """The pieces of a training, each of which a fault may replace.

    `stored` is how the pixels come, `before` and `after` the layers at both ends of the network, `frozen_norm` leaves
    BatchNorm with the statistics it has, as in fine-tuning; `last` is how the last batch of an epoch is drawn.
    """

    loss: MakeLoss = losses.semi_hard
    optimizer: MakeOptimizer = keras.optimizers.Adam
    rate: float = 1e-3
    stored: Callable[[NDArray[np.uint8]], NDArray[Any]] = eight_bits
    before: MakeLayer = layers.Identity
    after: MakeLayer = UnitLength
    frozen_norm: bool = False
    draw: Draw = field(default_factory=Draw)
    last: Draw | None = None
    callbacks: tuple[MakeCallback, ...] = ()
    precision: str = "float32"
