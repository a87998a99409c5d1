"""Exponentials that end at the largest number, in value and in every derivative."""

from typing import Any

import keras
from keras import ops

from nandoctor.numerics.losses.finite import saturate
from nandoctor.numerics.ops.slopes import with_slopes


def _exp(x: Any) -> Any:
    return saturate(ops.exp(x))


def _exp_slope(x: Any) -> Any:
    return exponential(x)


exponential = with_slopes(_exp, _exp_slope)
"""`exp(x)`."""

_less_one = with_slopes(lambda x: saturate(ops.expm1(x)), _exp_slope)

TERMS = {"float32": 9, "float64": 16}
"""Of the series up to |x| = 0.5."""


def _above_tangent(x: Any) -> Any:
    near = ops.abs(x) < 0.5
    small = ops.where(near, x, ops.zeros_like(x))
    series = ops.zeros_like(x)
    for divisor in range(TERMS[keras.backend.standardize_dtype(x.dtype)], 2, -1):
        series = (series + 1.0) * (small / divisor)
    return ops.where(near, 0.5 * small * small * (series + 1.0), saturate(ops.expm1(x) - x))


above_tangent = with_slopes(_above_tangent, _less_one)
"""`exp(x) - 1 - x`; by its series where the terms cancel."""
