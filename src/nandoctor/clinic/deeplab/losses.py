"""The losses to choose from, each made for the id of void."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from nandoctor.losses import DiceLoss, FocalLoss, SegmentationCrossEntropy, TverskyLoss

Loss = Any
"""A `keras.losses.Loss`, or a function of labels `(batch, height, width)` and logits, which have one more axis."""


def segmentation(void: int) -> Loss:
    """Ours: 0 with a zero gradient where a batch has no labelled pixel."""
    return SegmentationCrossEntropy(ignore_class=void)


def standard(void: int) -> Loss:
    """Keras's own, for comparison."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=void)


def focal(void: int) -> Loss:
    """The focal loss of the labelled pixels."""
    loss = FocalLoss(gamma=2.0, exclusive=True)

    def focal_loss(labels: Any, logits: Any) -> Any:
        one_hot, valid = _one_hot(labels, logits, void)
        return loss(one_hot, logits, sample_weight=valid)

    return focal_loss


def dice(void: int) -> Loss:
    """The overlap of each class, Dice's measure."""
    return _of_overlap(DiceLoss(smooth=1.0, from_logits=False), void)


def tversky(void: int) -> Loss:
    """The overlap of each class, with misses counted more than false alarms."""
    return _of_overlap(TverskyLoss(smooth=1.0, from_logits=False), void)


def _of_overlap(loss: Loss, void: int) -> Loss:
    def overlap_loss(labels: Any, logits: Any) -> Any:
        one_hot, valid = _one_hot(labels, logits, void)
        return loss(one_hot, ops.softmax(logits, axis=-1) * valid[..., None])

    return overlap_loss


def _one_hot(labels: Any, logits: Any, void: int) -> tuple[Any, Any]:
    """`(batch, height, width, classes)`, all 0 where void, and 1 where a pixel has a label."""
    valid = ops.cast(ops.not_equal(labels, void), logits.dtype)
    known = ops.where(ops.equal(labels, void), 0, labels)
    return ops.one_hot(known, logits.shape[-1], dtype=logits.dtype) * valid[..., None], valid


LOSSES: dict[str, Callable[[int], Loss]] = {
    "segmentation": segmentation,
    "standard": standard,
    "focal": focal,
    "dice": dice,
    "tversky": tversky,
}
