"""From a value for each row to the loss: weights of zero remove, and the sum of large values stays finite."""

from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.finite import saturate

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def aligned(weight: Any, rows: tuple[int | None, ...], what: str) -> Any:
    """`weight` with as many axes as there are axes of `rows`: the missing ones follow, as each row has one weight."""
    given = tuple(weight.shape)
    if len(given) == len(rows) + 1 and given[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    while len(weight.shape) < len(rows):
        weight = ops.expand_dims(weight, axis=-1)
    fits = len(weight.shape) == len(rows) and all(
        a is None or b is None or a in (1, b) for a, b in zip(weight.shape, rows, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{what} has the shape {given}, but the loss has a value for each row of the shape {rows}; "
            f"give one weight for each of them, or for each along the first axes."
        )
    return weight


def merged(weight: Any, mask: Any, rows: tuple[int | None, ...], dtype: str, reduction: str | None) -> Any:
    """The weight of each row, of `sample_weight` and Keras's mask together; None if there is neither."""
    if weight is not None:
        weight = aligned(ops.convert_to_tensor(weight, dtype=dtype), rows, "sample_weight")
    if mask is None:
        return weight
    mask = aligned(ops.cast(mask, "bool"), rows, "the mask")
    share = ops.cast(1.0, dtype)
    if reduction in ("sum_over_batch_size", "mean"):
        # A masked row counts neither above nor below the line of the mean: the others stand in for it, as in Keras.
        present = ops.cast(mask, dtype)
        total = ops.cast(ops.size(present), dtype)
        share = total / ops.maximum(ops.sum(present), 1.0)
    return ops.where(mask, share if weight is None else share * weight, ops.zeros_like(share))


def without_removed(x: Any, keep: Any) -> Any:
    """`x` with zeros in the rows that are not kept, so that neither their values nor their slopes take part."""
    if x is None:
        return None
    while len(keep.shape) < len(x.shape):
        keep = ops.expand_dims(keep, axis=-1)
    return ops.where(keep, x, ops.zeros_like(x))


def reduced(values: Any, weight: Any, share: Any, reduction: str | None) -> Any:
    """The loss of the batch; `share` is how often a row counts, in a sum and in the divisor of a mean (None: once)."""
    if reduction in MEANS:
        weight = _weight_in_mean(values, weight, share, reduction)
    else:
        weight = _product(share, weight)
    weighted = values if weight is None else saturate(values * weight)
    if reduction in (None, "none"):
        return weighted
    total = saturate(ops.sum(weighted))
    return _for_this_replica(total) if reduction in MEANS else total


def _weight_in_mean(values: Any, weight: Any, share: Any, reduction: str | None) -> Any:
    """What each value is multiplied by. Dividing first keeps the sum of large values within the dtype."""
    above = _product(share, weight)
    below = above if reduction == "mean_with_sample_weight" else share
    if below is None:
        count = ops.cast(ops.size(values), values.dtype)
    else:
        count = ops.sum(ops.broadcast_to(below, ops.shape(values)))
    empty = ops.equal(count, 0.0)
    inverse = ops.where(empty, ops.zeros_like(count), 1.0 / ops.where(empty, ops.ones_like(count), count))
    return inverse if above is None else above * inverse


def _product(a: Any, b: Any) -> Any:
    """Of what is there."""
    return b if a is None else a if b is None else a * b


def _for_this_replica(loss: Any) -> Any:
    """Keras adds the losses of the replicas of `tf.distribute`, so that each gives its part of the mean."""
    if keras.backend.backend() != "tensorflow":
        return loss
    import tensorflow as tf

    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return loss if replicas == 1 else loss / replicas
