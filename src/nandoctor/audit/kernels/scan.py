"""What one pass over some rows of one shape finds, and the pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.exact import ExactMoments

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LARGEST_HALF = 65504.0


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What each row of some holds. Arrays of one element a row; of a row without a finite element the extremes are NaN.

    Attributes:
        size: elements of a row, the same for all.
        nan, posinf, neginf, zero: elements that are so.
        minimum, maximum: of the finite elements.
        total: sum of the finite elements, in float64.
        hash: 64 bits of the row's bytes.
        bins: `(rows, 256)`, how many elements have each value: of integers of one byte, if asked for; else None.
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
    """Both, and how often each value of an integer of one byte occurs (None of other dtypes)."""

    rows: RowFacts
    channels: ChannelFacts
    bins: Ints | None = None


def scan(values: NDArray[Any], channels: int, *, binned_rows: bool = False) -> Scan:
    """Look at each element once.

    Args:
        values: `(rows, ...)`, bool, integer or float, C-contiguous; not empty.
        channels: elements of the last axis, or 1: then all elements count as one channel.
        binned_rows: whether the rows' own bins are wanted, of integers of one byte.
    """
    wide = np.ascontiguousarray(values).reshape(len(values), -1)
    if wide.dtype.kind == "b":
        wide = wide.view(np.uint8)
    exact = wide.astype(np.float64)
    with np.errstate(all="ignore"):
        return Scan(
            rows=_row_facts(wide, exact, binned=binned_rows),
            channels=_channel_facts(wide.dtype, exact.reshape(-1, channels)),
            bins=np.bincount(wide.view(np.uint8).reshape(-1), minlength=256) if wide.dtype == np.uint8 else None,
        )


def _row_facts(wide: NDArray[Any], exact: Floats, *, binned: bool) -> RowFacts:
    finite = np.isfinite(exact)
    some = finite.any(axis=1)
    return RowFacts(
        size=exact.shape[1],
        nan=np.count_nonzero(np.isnan(exact), axis=1),
        posinf=np.count_nonzero(exact == np.inf, axis=1),
        neginf=np.count_nonzero(exact == -np.inf, axis=1),
        zero=np.count_nonzero(exact == 0, axis=1),
        minimum=np.where(some, np.min(exact, axis=1, where=finite, initial=np.inf), np.nan),
        maximum=np.where(some, np.max(exact, axis=1, where=finite, initial=-np.inf), np.nan),
        total=np.sum(exact, axis=1, where=finite),
        hash=np.array([hash(row.tobytes()) & 0xFFFFFFFFFFFFFFFF for row in wide], np.uint64),
        bins=np.stack([np.bincount(row, minlength=256) for row in wide]).astype(np.uint32)
        if binned and wide.dtype == np.uint8
        else None,
    )


def _channel_facts(dtype: np.dtype[Any], exact: Floats) -> ChannelFacts:
    finite = np.isfinite(exact)
    size = np.abs(exact)
    tiny = float(np.finfo(dtype).tiny) if dtype.kind == "f" else 0.0
    return ChannelFacts(
        count=np.full(exact.shape[1], len(exact)),
        nan=np.count_nonzero(np.isnan(exact), axis=0),
        posinf=np.count_nonzero(exact == np.inf, axis=0),
        neginf=np.count_nonzero(exact == -np.inf, axis=0),
        zero=np.count_nonzero(exact == 0, axis=0),
        subnormal=np.count_nonzero((size < tiny) & (size > 0), axis=0),
        beyond_half=np.count_nonzero(finite & (size > LARGEST_HALF), axis=0),
        minimum=np.min(exact, axis=0, where=finite, initial=np.inf),
        maximum=np.max(exact, axis=0, where=finite, initial=-np.inf),
        moments=tuple(_moments(column[np.isfinite(column)]) for column in exact.T),
    )


def _moments(finite: Floats) -> ExactMoments:
    if not finite.size:
        return ExactMoments()
    shift = float(finite[0])
    away = finite - shift
    return ExactMoments.around(finite.size, shift, float(away.sum()), float(away @ away))
