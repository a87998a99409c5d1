"""The pass over integers, but those of uint8: in pieces that stay in the first cache, as that over floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.compiling import kernel
from nandoctor.audit.kernels.facts import Scan, whole_numbers
from nandoctor.audit.kernels.lanes import lane_count, moments_of, sampled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def scan_integers(rows: NDArray[Any], channels: int, found: NDArray[np.uint64]) -> Scan:
    """Of `(rows, n)`, with the hashes of the rows."""
    if rows.dtype not in (np.int32, np.int64, np.uint64):  # each type takes a second to compile
        rows = rows.astype(np.int32 if rows.dtype.itemsize < 4 else np.int64)
    lanes = lane_count(channels)
    limits = np.iinfo(rows.dtype)
    middles = np.sort(sampled(rows.reshape(-1, channels)), axis=0)
    origin = middles[len(middles) // 2].astype(np.int64)  # of uint64 the same bits
    zeros, totals = np.zeros(len(rows), np.int64), np.zeros(len(rows))
    row_ends = np.tile(np.array([limits.max, limits.min], rows.dtype), (len(rows), 1))
    lane_counts, lane_sums = np.zeros((2, lanes), np.int64), np.zeros((2, lanes))
    ends = np.repeat(np.array([[limits.max], [limits.min]], rows.dtype), lanes, axis=1)
    pass_over(
        rows.reshape(-1),
        rows.shape[1],
        np.tile(origin, lanes // channels),
        zeros,
        row_ends,
        totals,
        lane_counts,
        ends,
        lane_sums,
    )
    least, greatest = ends[0].reshape(-1, channels).min(axis=0), ends[1].reshape(-1, channels).max(axis=0)
    counts = [rows.size // channels] * channels
    wide = [int(high) - int(low) >= 1 << 63 for low, high in zip(least, greatest, strict=True)]
    lane_sums[1].reshape(-1, channels)[:, wide] = np.inf  # the distances went round
    moments = moments_of(rows, counts, middles[len(middles) // 2].tolist(), lane_sums, least == greatest)
    zero, beyond = lane_counts.reshape(2, -1, channels).sum(axis=1)
    row_ends = row_ends.astype(np.float64)
    return whole_numbers(
        rows, found, zeros, row_ends, totals, zero, beyond, least.astype(float), greatest.astype(float), moments
    )


SHORT = 32
"""Rows of fewer elements are gone through one element after the other: to begin a vector loop takes longer."""


@kernel
def pass_over(
    v: NDArray[Any],
    size: int,
    origin: Ints,
    row_zeros: Ints,
    row_ends: NDArray[Any],
    row_totals: Floats,
    lane_counts: Ints,
    lane_ends: NDArray[Any],
    lane_sums: Floats,
) -> None:
    """Look at each element once.

    Args:
        v: `(n,)` integers, the elements of rows of `size`.
        origin: `(lanes,)`, near the mean of each; element n is of lane n modulo lanes. Of uint64, the same bits.
        row_zeros: `(rows,)`, to be zero: elements that are zero.
        row_ends: `(rows, 2)`, in `v`'s type, to be its largest and smallest number: the least and greatest.
        row_totals: `(rows,)`, to be zero: sums.
        lane_counts: `(2, lanes)`, to be zero: zero, beyond float16.
        lane_ends: `(2, lanes)`, in `v`'s type, to be its largest and smallest: the least and greatest.
        lane_sums: `(2, lanes)`, to be zero: distances from the origin, and their squares. Of 64 bits these are wrong
            where an element is further from it than 2 ** 63.
    """
    lanes = len(origin)
    piece = lanes * max(1, 4096 // lanes)
    scratch = np.empty(32)
    for start in range(0, len(v), piece):
        stop = min(start + piece, len(v))
        if size < SHORT:
            _short_rows(v, start, stop, size, row_ends, row_zeros, row_totals)
        at = stop if size < SHORT else start
        while at < stop:
            row = at // size
            end = min((row + 1) * size, stop)
            _row(v[at:end], row_ends[row], row_zeros[row : row + 1])
            row_totals[row] += _total(v[at:end], scratch)
            at = end
        _ends(v[start:stop], lane_ends[0], lane_ends[1])
        _counts(v[start:stop], lane_counts[0], lane_counts[1])
        _sums(v[start:stop], origin, lane_sums[0], lane_sums[1])


@kernel
def _short_rows(
    v: NDArray[Any], start: int, stop: int, size: int, ends: NDArray[Any], zeros: Ints, totals: Floats
) -> None:
    row, column = start // size, start % size
    for n in range(start, stop):
        x = v[n]
        ends[row, 0] = x if x < ends[row, 0] else ends[row, 0]
        ends[row, 1] = x if x > ends[row, 1] else ends[row, 1]
        zeros[row] += x == 0
        totals[row] += np.float64(x)
        column += 1
        if column == size:
            row, column = row + 1, 0


@kernel
def _row(v: NDArray[Any], ends: NDArray[Any], zeros: Ints) -> None:
    low, high, zero = ends[0], ends[1], 0
    for n in range(len(v)):
        low = v[n] if v[n] < low else low
        high = v[n] if v[n] > high else high
        zero += v[n] == 0
    ends[0], ends[1] = low, high
    zeros[0] += zero


@kernel
def _total(v: NDArray[Any], sums: Floats) -> float:
    """Of all, in 32 lanes."""
    for lane in range(32):
        sums[lane] = 0.0
    for start in range(0, len(v), 32):
        some = v[start : start + 32]
        for n in range(len(some)):
            sums[n] += np.float64(some[n])
    total = 0.0
    for lane in range(min(32, len(v))):
        total += sums[lane]
    return total


@kernel
def _ends(v: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> None:
    lanes = len(low)
    for start in range(0, len(v), lanes):
        some = v[start : start + lanes]
        for n in range(len(some)):
            low[n] = some[n] if some[n] < low[n] else low[n]
            high[n] = some[n] if some[n] > high[n] else high[n]


@kernel
def _counts(v: NDArray[Any], zero: Ints, beyond: Ints) -> None:
    lanes = len(zero)
    for start in range(0, len(v), lanes):
        some = v[start : start + lanes]
        for n in range(len(some)):
            zero[n] += some[n] == 0
            beyond[n] += (some[n] > 65504) | (some[n] < -65504)


@kernel
def _sums(v: NDArray[Any], origin: Ints, sums: Floats, squares: Floats) -> None:
    lanes = len(origin)
    for start in range(0, len(v), lanes):
        some = v[start : start + lanes]
        for n in range(len(some)):
            away = np.float64(np.int64(some[n]) - origin[n])
            sums[n] += away
            squares[n] += away * away
