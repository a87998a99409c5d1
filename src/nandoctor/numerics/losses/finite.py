"""Single tensors on their way through a loss: what is beyond the dtype ends at its largest number, NaN stays NaN."""

from typing import Any

from keras import ops

from nandoctor.numerics.ops.bounds import saturated
from nandoctor.numerics.ops.precision import constant, range_of


def saturate(x: Any) -> Any:
    """`x`, its infinities replaced by the largest number; the slope stays that of `x`."""
    return saturated(range_of(x).largest)(x)


def within(x: Any, low: float, high: float) -> Any:
    """`x` between the two, without a slope outside. Not `clip`: that may make a NaN finite on TensorFlow's CPU."""
    return ops.where(x < low, constant(low, x), ops.where(x > high, constant(high, x), x))


def positive_part(x: Any) -> Any:
    """`max(x, 0)`, with slope 0 at 0, and NaN for NaN."""
    return ops.where(x <= 0, ops.zeros_like(x), x)


def row_mean(x: Any) -> Any:
    """The mean over the last axis; each element is divided first, so that the sum of large ones does not overflow."""
    return ops.sum(saturate(x) / ops.cast(ops.shape(x)[-1], x.dtype), axis=-1)
