"""The pass over uint8, and bool: how often each value occurs tells all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.compiling import kernel
from nandoctor.audit.kernels.facts import Scan, whole_numbers
from nandoctor.audit.kernels.lanes import lane_count
from nandoctor.audit.profile.exact import ExactMoments

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SUBS = 12
"""Histograms that are filled in turn: with one, a value that repeats waits for itself. A multiple of 1, 2, 3 and 4."""


def scan_bytes(rows: NDArray[np.uint8], channels: int, found: NDArray[np.uint64], *, binned: bool) -> Scan:
    """Of `(rows, n)`, with the hashes of the rows; `binned`: with how often each value occurs in each row."""
    zeros, totals = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    row_ends = np.empty((len(rows), 2), np.uint8)
    rows_of_bytes(rows, row_ends, zeros, totals)
    own = None
    if binned:
        own = np.zeros((len(rows), 256), np.uint32)
        bins_of_rows(rows, own)
    flat = rows.reshape(-1)
    bins = np.zeros((SUBS, 256), np.int64)
    if own is not None and (channels == 1 or channels > 4):
        bins[0] = own.sum(axis=0, dtype=np.int64)
    else:
        for start in range(0, flat.size, 3 << 30):  # a multiple of 12; a bin holds 32 bits
            part = np.zeros((SUBS, 256), np.uint32)
            bins_of_bytes(flat[start : start + (3 << 30)], part)
            bins += part
    if channels <= 4:
        facts = _facts_of_bins(bins.reshape(-1, channels, 256).sum(axis=0))
    else:
        facts = _facts_of_lanes(flat, channels)
    zero, least, greatest, moments = facts
    scanned = whole_numbers(
        rows,
        found,
        zeros,
        row_ends.astype(np.float64),
        totals.astype(np.float64),
        zero,
        np.zeros(channels, np.int64),
        least,
        greatest,
        moments,
    )
    return Scan(replace(scanned.rows, bins=own), scanned.channels, bins.sum(axis=0))


_Facts = tuple[Ints, Floats, Floats, tuple[ExactMoments, ...]]
"""Of each channel: elements that are zero, the least, the greatest, the moments."""


def _facts_of_bins(bins: Ints) -> _Facts:
    """From how often each value occurs in each channel: `(channels, 256)`."""
    value = np.arange(256)
    moments = zip(bins.sum(axis=1).tolist(), (bins @ value).tolist(), (bins @ value**2).tolist(), strict=True)
    return (
        bins[:, 0],
        (bins > 0).argmax(axis=1).astype(np.float64),
        255.0 - (bins[:, ::-1] > 0).argmax(axis=1),
        tuple(ExactMoments.of_whole(*numbers) for numbers in moments),
    )


def _facts_of_lanes(flat: NDArray[np.uint8], channels: int) -> _Facts:
    lanes = lane_count(channels)
    found = np.zeros((3, lanes), np.int64)
    ends = np.repeat(np.array([[255], [0]], np.uint8), lanes, axis=1)
    lanes_of_bytes(flat, found[0], ends, found[1], found[2])
    zero, total, squares = found.reshape(3, -1, channels).sum(axis=1)
    each = zip(total.tolist(), squares.tolist(), strict=True)
    return (
        zero,
        ends[0].reshape(-1, channels).min(axis=0).astype(np.float64),
        ends[1].reshape(-1, channels).max(axis=0).astype(np.float64),
        tuple(ExactMoments.of_whole(flat.size // channels, *sums) for sums in each),
    )


@kernel
def rows_of_bytes(v: NDArray[np.uint8], ends: NDArray[np.uint8], zeros: Ints, totals: Ints) -> None:
    """The least and greatest, the zeros and the sum of each of `(rows, n)`."""
    for row in range(len(v)):
        some = v[row]
        low, high = np.uint8(255), np.uint8(0)
        zero, total = 0, 0
        for n in range(len(some)):
            low = some[n] if some[n] < low else low
            high = some[n] if some[n] > high else high
        for n in range(len(some)):
            zero += some[n] == 0
            total += some[n]
        ends[row, 0], ends[row, 1] = low, high
        zeros[row], totals[row] = zero, total


@kernel
def bins_of_bytes(v: NDArray[np.uint8], bins: NDArray[np.uint32]) -> None:
    """How often each value occurs: `(12, 256)`, to be zero; element n is of row n modulo 12. Below 2 ** 32 elements."""
    whole = len(v) - len(v) % 12
    for n in range(0, whole, 12):
        for sub in range(12):
            bins[sub, v[n + sub]] += np.uint32(1)
    for n in range(whole, len(v)):
        bins[n - whole, v[n]] += np.uint32(1)


@kernel
def bins_of_rows(v: NDArray[np.uint8], bins: NDArray[np.uint32]) -> None:
    """The same of each of `(rows, n)`: `(rows, 256)`, to be zero."""
    subs = np.empty((4, 256), np.uint32)
    for row in range(len(v)):
        some = v[row]
        for value in range(256):
            subs[0, value], subs[1, value], subs[2, value], subs[3, value] = 0, 0, 0, 0
        whole = len(some) - len(some) % 4
        for n in range(0, whole, 4):
            for sub in range(4):
                subs[sub, some[n + sub]] += np.uint32(1)
        for n in range(whole, len(some)):
            subs[0, some[n]] += np.uint32(1)
        for value in range(256):
            bins[row, value] = subs[0, value] + subs[1, value] + subs[2, value] + subs[3, value]


@kernel
def lanes_of_bytes(v: NDArray[np.uint8], zeros: Ints, ends: NDArray[np.uint8], sums: Ints, squares: Ints) -> None:
    """Zeros, the least and greatest, the sum and that of the squares of each lane: exact."""
    lanes = len(zeros)
    part = np.empty((3, lanes), np.uint32)
    low, high = ends[0], ends[1]
    piece = lanes * 32768  # as many squares of 255 fit into 32 bits
    for start in range(0, len(v), piece):
        zero, total, square = part[0], part[1], part[2]
        for n in range(lanes):
            zero[n], total[n], square[n] = 0, 0, 0
        for at in range(start, min(start + piece, len(v)), lanes):
            some = v[at : at + lanes]
            for n in range(len(some)):
                x = np.uint32(some[n])
                zero[n] += np.uint32(some[n] == 0)
                total[n] += x
                square[n] += np.uint32(x * x)
            for n in range(len(some)):
                low[n] = some[n] if some[n] < low[n] else low[n]
                high[n] = some[n] if some[n] > high[n] else high[n]
        for n in range(lanes):
            zeros[n] += zero[n]
            sums[n] += total[n]
            squares[n] += square[n]
