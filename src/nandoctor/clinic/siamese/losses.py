"""The losses that the program offers, by the name that `--loss` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from nandoctor.clinic.siamese import plain

MARGIN = 0.2
"""FaceNet's margin, for squared distances on the unit sphere (Schroff, Kalenichenko, Philbin, 2015)."""

Loss = Callable[[Any, Any], Any]
Distance = Callable[[Any, Any], Any]


def published() -> Loss:
    """The semi-hard loss as the formula stands in the paper."""
    return plain.semi_hard


def semi_hard() -> Loss:
    return plain.semi_hard


def hard() -> Loss:
    return plain.semi_hard


def neighbours(distance: Distance, margin: float = 1.0) -> Loss:
    """Contrastive loss (Hadsell, Chopra, LeCun, 2006) of each image and the one after it in the batch."""

    def contrastive(labels: keras.KerasTensor, embeddings: keras.KerasTensor) -> keras.KerasTensor:
        labels = ops.reshape(labels, (-1,))
        apart = distance(embeddings, ops.roll(embeddings, 1, axis=0))
        same = ops.cast(ops.equal(labels, ops.roll(labels, 1)), apart.dtype)
        return ops.mean(same * ops.square(apart) + (1.0 - same) * ops.square(ops.relu(margin - apart)))

    return contrastive


def safe_euclidean(u: keras.KerasTensor, v: keras.KerasTensor) -> keras.KerasTensor:
    from nandoctor.ops import norm

    return norm(u - v, axis=1)


LOSSES: dict[str, Callable[[], Loss]] = {"semi-hard": semi_hard, "hard": hard, "plain": published}
