"""Logarithms of probabilities, which may be exactly 0 or 1."""

from typing import Any

from keras import ops

from nandoctor.numerics.losses.finite import within
from nandoctor.numerics.ops.logarithms import log


def log_of(p: Any) -> Any:
    """`log(p)`; where p is 0 the logarithm of the smallest number of the dtype, with slope 0."""
    return log(within(p, 0.0, 1.0))


def log_of_complement(p: Any) -> Any:
    """`log(1 - p)`, exact for a small p; where p is 1 as `log_of(0)`."""
    p = within(p, 0.0, 1.0)
    certain = ops.equal(p, 1.0)
    lowest = log(ops.zeros_like(p))
    return ops.where(certain, lowest, ops.log1p(-ops.where(certain, ops.zeros_like(p), p)))


def log_of_share(p: Any) -> Any:
    """`log(p / sum(p))` over the last axis, without the division."""
    p = within(p, 0.0, 1.0)
    total = ops.sum(p, axis=-1, keepdims=True)
    return log(p) - log(ops.where(ops.equal(total, 0.0), ops.ones_like(total), total))
