"""What one pass over some rows of one shape finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.exact import ExactMoments

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LARGEST_HALF = 65504.0

BINNED = 64
"""Rows of fewer elements have no bins of their own: those would be many times what the rows are."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What each row of some holds. Arrays of one element a row; of a row without a finite element the extremes are NaN.

    Attributes:
        size: elements of a row, the same for all.
        nan, posinf, neginf, zero: elements that are so.
        minimum, maximum: of the finite elements.
        total: sum of the finite elements, in float64.
        hash: 64 bits of the row's bytes, the same in every process.
        bins: `(rows, 256)`, how many elements have each value: of uint8 and bool, if asked for, and if a row has at
            least 64 elements; else None.
    """

    size: int
    nan: Ints
    posinf: Ints
    neginf: Ints
    zero: Ints
    minimum: Floats
    maximum: Floats
    total: Floats
    hash: NDArray[np.uint64]
    bins: NDArray[np.uint32] | None = None

    @property
    def nonfinite(self) -> Ints:
        return self.nan + self.posinf + self.neginf


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What each channel of some rows holds, over the rows; arrays of one element a channel.

    Attributes:
        count: elements.
        nan, posinf, neginf, zero, subnormal: elements that are so; `subnormal` in the data's own dtype.
        beyond_half: finite elements that float16 cannot hold.
        minimum, maximum: of the finite elements; +inf and -inf where there is none.
        moments: of the finite elements.
    """

    count: Ints
    nan: Ints
    posinf: Ints
    neginf: Ints
    zero: Ints
    subnormal: Ints
    beyond_half: Ints
    minimum: Floats
    maximum: Floats
    moments: tuple[ExactMoments, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Both, and how often each value of uint8 or bool occurs (None of other dtypes)."""

    rows: RowFacts
    channels: ChannelFacts
    bins: Ints | None = None


def whole_numbers(
    rows: NDArray[Any],
    found: NDArray[np.uint64],
    zeros: Ints,
    row_ends: Floats,
    totals: Floats,
    zero: Ints,
    beyond: Ints,
    least: Floats,
    greatest: Floats,
    moments: tuple[ExactMoments, ...],
) -> Scan:
    """With the facts that integers cannot have."""
    none, channels = np.zeros(len(rows), np.int64), np.zeros(len(zero), np.int64)
    return Scan(
        RowFacts(
            size=rows.shape[1],
            nan=none,
            posinf=none,
            neginf=none,
            zero=zeros,
            minimum=row_ends[:, 0],
            maximum=row_ends[:, 1],
            total=totals,
            hash=found,
        ),
        ChannelFacts(
            count=np.full(len(zero), rows.size // len(zero)),
            nan=channels,
            posinf=channels,
            neginf=channels,
            zero=zero,
            subnormal=channels,
            beyond_half=beyond,
            minimum=least,
            maximum=greatest,
            moments=moments,
        ),
    )
