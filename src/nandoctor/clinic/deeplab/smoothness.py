"""A term of the loss that keeps borders short: the total variation of the prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from nandoctor.clinic.deeplab.losses import Loss

Length = Callable[[Any], Any]
"""The norm of vectors along the last axis."""


def with_smoothness(loss: Loss, share: float, length: Length) -> Loss:
    """A loss, and `share` times the total variation of the classes' probabilities."""
    if share == 0:
        return loss
    return lambda labels, logits: loss(labels, logits) + share * total_variation(logits, length)


def total_variation(logits: Any, length: Length) -> Any:
    """The mean length of the slope of each class's probability (Rudin, Osher and Fatemi, 1992).

    Where bilinear upsampling repeats its outermost value the slope is exactly 0 in all directions.
    """
    shares = ops.softmax(logits, axis=-1)
    across = shares[:, :-1, 1:] - shares[:, :-1, :-1]
    down = shares[:, 1:, :-1] - shares[:, :-1, :-1]
    return ops.mean(length(ops.stack([across, down], axis=-1)))
