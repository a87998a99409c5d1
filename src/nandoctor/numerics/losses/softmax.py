"""The logarithm of the softmax, and what is left for the other classes."""

from typing import Any

from keras import ops

from nandoctor.numerics.losses.finite import saturate


def log_softmax(logits: Any) -> Any:
    """`log(softmax(z))` over the last axis, finite for every finite z: no class is less likely than the dtype can say."""
    shifted = saturate(logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True)))
    return saturate(shifted - ops.log(ops.sum(ops.exp(shifted), axis=-1, keepdims=True)))


def log_odds(logits: Any) -> Any:
    """`log(p / (1 - p))` of each p in the softmax over the last axis, exact where p rounds to 1."""
    first = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1], dtype="bool")
    lowest = ops.min(logits, axis=-1, keepdims=True)
    others = ops.where(first, lowest, logits)
    top = ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    second = ops.stop_gradient(ops.max(others, axis=-1, keepdims=True))
    # Below the largest the sum of the others has a term of 1; for the largest it is formed without it.
    weights = ops.exp(saturate(logits - top))
    rest = ops.sum(weights, axis=-1, keepdims=True) - ops.where(first, ops.zeros_like(weights), weights)
    from_second = ops.where(first, ops.zeros_like(weights), ops.exp(ops.where(first, 0.0, saturate(logits - second))))
    for_first = saturate(logits - second) - ops.log(ops.sum(from_second, axis=-1, keepdims=True))
    return saturate(ops.where(first, for_first, saturate(logits - top) - ops.log(rest)))
