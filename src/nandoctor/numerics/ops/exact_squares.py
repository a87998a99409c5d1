"""Squared distances by matrix products that do not round, so that what is equal cancels to 0."""

from __future__ import annotations

import math

import keras
import numpy as np

from nandoctor.numerics.ops.precision import Tensor

SIGNIFICAND = 53
"""Bits of a float64."""

LONG = 4096
"""A row whose length is not known yet is taken to be so long."""

LOWEST = -149
POWERS_OF_TWO = np.ldexp(1.0, np.arange(LOWEST, 128))
"""All in the range of float32. A power that a backend computes may be off by its last digit."""


def exact_squares(a: Tensor, b: Tensor) -> Tensor:
    """`|a_i|^2 - 2 a_i b_j + |b_j|^2` for float32 numbers in float64, without cancellation.

    The rows are cut into upper and lower digits. Each of the three matrix products is exact, in whatever order it
    adds: its terms are whole multiples of one power of two, and their sum fits into a float64. So what two rows have
    in common cancels to exactly 0, first in the upper digits, then between upper and lower, then in the lower.

    The idea is that of Ozaki et al., "Error-free transformations of matrix multiplication", 2012.
    """
    (a1, a2), (b1, b2) = _slices(a), _slices(b)
    upper = gram([a1], [b1], dot(a1, a1), dot(b1, b1))
    mixed = gram([a1, a2], [b2, b1], 2 * dot(a1, a2), 2 * dot(b1, b2))
    lower = gram([a2], [b2], dot(a2, a2), dot(b2, b2))
    found = upper + mixed + lower
    return keras.ops.where(found < 0, 0, found)  # by a rounding, where the digits were dropped that the rows differ in


def _slices(x: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower digits of `x`, in fixed point against the largest entry of the row."""
    ops = keras.ops
    step = 2.0 ** (1 - _bits(x.shape[1]))
    coarse = _power_of_two(x) * step
    upper = ops.round(x / coarse) * coarse
    fine = coarse * step
    return upper, ops.round((x - upper) / fine) * fine


def _bits(length: int | None) -> int:
    """How many bits a slice may have: products have twice as many, and `4 * length` of them are added.

    Two bits more are for rows that are scaled by neighbouring powers of two.
    """
    return (SIGNIFICAND - 4 - math.ceil(math.log2(max(length or LONG, 1)))) // 2


def _power_of_two(x: Tensor) -> Tensor:
    """For each row the largest power of two that its largest entry reaches; 1 for a row of zeros."""
    ops = keras.ops
    size = ops.max(ops.abs(x), axis=1, keepdims=True, initial=0)
    exponent = ops.log2(ops.where(size > 0, size, 1)) // 1
    place = ops.clip(exponent - LOWEST, 0, len(POWERS_OF_TWO) - 1)
    return ops.take(ops.convert_to_tensor(POWERS_OF_TWO, "float64"), ops.cast(place, "int32"))


def gram(left: list[Tensor], right: list[Tensor], own: Tensor, others: Tensor) -> Tensor:
    """`own_i + others_j - 2 * sum(left_i * right_j)` as one matrix product."""
    ops = keras.ops
    first = ops.concatenate([*(-2 * x for x in left), own, ops.ones_like(own)], axis=1)
    second = ops.concatenate([*right, ops.ones_like(others), others], axis=1)
    return first @ ops.transpose(second)  # keras.ops.matmul computes in float32 on torch


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The product of each row with that of `y`, `(n, 1)`."""
    return keras.ops.sum(x * y, axis=1, keepdims=True)
