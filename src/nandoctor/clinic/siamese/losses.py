"""The losses that the program offers, by the name that `--loss` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

import nandoctor.losses
import nandoctor.ops
from nandoctor.clinic.siamese import options, plain

MARGIN = 0.2
"""FaceNet's margin, for squared distances on the unit sphere (Schroff, Kalenichenko, Philbin, 2015)."""

Loss = Callable[[Any, Any], Any]
Distance = Callable[[Any, Any], Any]


def published() -> Loss:
    """The semi-hard loss as the formula stands in the paper."""
    return plain.semi_hard


def semi_hard() -> Loss:
    """The semi-hard loss of `nandoctor.losses`."""
    return nandoctor.losses.TripletSemiHardLoss(MARGIN, squared=True)


def hard() -> Loss:
    """The batch-hard loss, whose authors advise against squared distances."""
    return nandoctor.losses.TripletHardLoss(MARGIN)


def foreign() -> Loss:
    """The semi-hard loss of pytorch-metric-learning, with the same margin and distance.

    Its mean is over all triplets that violate the margin with a negative farther than the positive; FaceNet's takes the
    nearest such negative of each pair.
    """
    from pytorch_metric_learning.distances import LpDistance  # type: ignore[import-untyped]
    from pytorch_metric_learning.losses import TripletMarginLoss  # type: ignore[import-untyped]
    from pytorch_metric_learning.miners import TripletMarginMiner  # type: ignore[import-untyped]

    distance = LpDistance(normalize_embeddings=False, power=2)
    miner = TripletMarginMiner(MARGIN, type_of_triplets="semihard", distance=distance)
    loss = TripletMarginLoss(MARGIN, distance=distance)

    def triplet_margin(labels: Any, embeddings: Any) -> Any:
        labels = ops.reshape(labels, (-1,))
        return loss(embeddings, labels, miner(embeddings, labels))

    return triplet_margin


def neighbours(distance: Distance, margin: float = 1.0) -> Loss:
    """The distance of each image from the next in the batch; of another class, what it lacks to a margin.

    Hadsell, Chopra and LeCun (2006) square both terms. Then the slope of an identical pair is 0 * inf, which
    TensorFlow's own kernel answers with 0, and XLA with NaN.
    """

    def contrastive(labels: keras.KerasTensor, embeddings: keras.KerasTensor) -> keras.KerasTensor:
        labels = ops.reshape(labels, (-1,))
        apart = distance(embeddings, ops.roll(embeddings, 1, axis=0))
        same = ops.cast(ops.equal(labels, ops.roll(labels, 1)), apart.dtype)
        return ops.mean(same * apart + (1.0 - same) * ops.relu(margin - apart))

    return contrastive


def safe_distance(u: keras.KerasTensor, v: keras.KerasTensor) -> keras.KerasTensor:
    """The distance of each row of `u` from the same row of `v`, with the slope 0 where they are equal."""
    return nandoctor.ops.norm(u - v, axis=1)


LOSSES: dict[str, Callable[[], Loss]] = dict(zip(options.LOSSES, (semi_hard, hard, published, foreign), strict=True))
