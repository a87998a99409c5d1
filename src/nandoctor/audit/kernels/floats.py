"""The pass over float32 and float64.

The elements are gone through in pieces that stay in the first cache, three times: by row, by channel in the data's own
width, and by channel in float64. Each loop is so plain that it is compiled to vector instructions. No sum depends on
how wide those are: it is made in as many lanes everywhere, so every machine gets the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.compiling import kernel
from nandoctor.audit.kernels.facts import LARGEST_HALF, ChannelFacts, RowFacts, Scan
from nandoctor.audit.kernels.hashes import KEYS, hash_of
from nandoctor.audit.kernels.lanes import lane_count, middles, moments_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


_NO_WORDS = np.empty((0, 1), np.uint64)


def scan_floats(
    rows: NDArray[Any], channels: int, found: NDArray[np.uint64], words: NDArray[np.uint64] = _NO_WORDS
) -> Scan:
    """Of `(rows, n)` of any floats.

    Args:
        rows: them.
        channels: how many; elements n of a channel are so far apart.
        found: the hashes of the rows; to be filled, where `words` has the rows as whole words.
        words: `(rows, m)`: hashed in the same pass, since memory is slower than the arithmetic.
    """
    tiny = np.finfo(rows.dtype).tiny
    if rows.dtype.itemsize not in (4, 8):
        rows = rows.astype(np.float32 if rows.dtype.itemsize < 4 else np.float64)
    kind, flat, lanes = rows.dtype.type, rows.reshape(-1), lane_count(channels)
    whole = np.dtype(f"i{rows.dtype.itemsize}")
    limits = np.iinfo(whole)
    marks = np.array([np.nan, np.inf, tiny, LARGEST_HALF], kind).view(whole)
    marks[0] = limits.max
    shift = middles(rows.reshape(-1, channels))
    counts, totals = np.zeros((4, len(rows)), np.int64), np.zeros(len(rows))
    keys = np.tile(np.array([limits.max, limits.min], whole), (len(rows), 1))
    lane_counts, lane_sums = np.zeros((6, lanes), np.int64), np.zeros((2, lanes))
    ends = np.repeat(np.array([[np.inf], [-np.inf]], kind), lanes, axis=1)
    shifts = np.tile(shift, lanes // channels)
    bits, size = flat.view(whole), rows.shape[1]
    ends_bits = ends.view(whole)
    of_rows = (counts, keys, totals, words, KEYS, found)
    of_lanes = (lane_counts, ends, ends_bits, channels, lane_sums)
    pass_over(flat, bits, size, whole.type, marks, shifts, *of_rows, *of_lanes)
    return Scan(
        _row_facts(size, counts, _numbers(keys, kind), totals, found),
        _channel_facts(rows, lane_counts.reshape(6, -1, channels).sum(axis=1), ends, shift, lane_sums),
    )


def _row_facts(size: int, counts: Ints, ends: Floats, totals: Floats, found: NDArray[np.uint64]) -> RowFacts:
    empty = counts[0] + counts[1] + counts[2] == size
    return RowFacts(
        size=size,
        nan=counts[0],
        posinf=counts[1],
        neginf=counts[2],
        zero=counts[3],
        minimum=np.where(empty, np.nan, ends[:, 0]),
        maximum=np.where(empty, np.nan, ends[:, 1]),
        total=totals,
        hash=found,
    )


def _channel_facts(rows: NDArray[Any], counts: Ints, ends: NDArray[Any], shift: Floats, sums: Floats) -> ChannelFacts:
    nan, posinf, neginf, zero, subnormal, beyond = counts
    count = np.full(len(shift), rows.size // len(shift))
    least = ends[0].reshape(-1, len(shift)).min(axis=0).astype(np.float64)
    greatest = ends[1].reshape(-1, len(shift)).max(axis=0).astype(np.float64)
    finite = count - nan - posinf - neginf
    return ChannelFacts(
        count=count,
        nan=nan,
        posinf=posinf,
        neginf=neginf,
        zero=zero,
        subnormal=subnormal,
        beyond_half=beyond,
        minimum=least,
        maximum=greatest,
        moments=moments_of(rows, finite.tolist(), shift.tolist(), sums, least == greatest),
    )


def _numbers(keys: NDArray[Any], kind: type[Any]) -> Floats:
    """The numbers of keys: the bits of a negative number are turned, all but the sign."""
    negative = keys >> (8 * keys.itemsize - 1)  # all bits, or none
    numbers: Floats = (keys ^ negative & np.iinfo(keys.dtype).max).view(kind).astype(np.float64)
    return numbers


SHORT = 32
"""Rows of fewer elements are gone through one element after the other: to begin a vector loop takes longer."""


@kernel
def pass_over(
    v: NDArray[Any],
    b: NDArray[Any],
    size: int,
    as_int: Any,
    marks: NDArray[Any],
    shift: Floats,
    row_counts: Ints,
    row_keys: NDArray[Any],
    row_totals: Floats,
    words: NDArray[np.uint64],
    hash_keys: NDArray[np.uint64],
    row_hashes: NDArray[np.uint64],
    lane_counts: Ints,
    lane_ends: NDArray[Any],
    lane_bits: NDArray[Any],
    channels: int,
    lane_sums: Floats,
) -> None:
    """Look at each element once.

    Args:
        v: `(n,)` float32 or float64, the elements of rows of `size`.
        b: the same as integers of that width.
        as_int: the type of `b`'s elements.
        marks: in the same: all bits but the sign; infinity; the smallest normal number; the largest of float16.
        shift: `(lanes,)`, near the mean of each; element n is of lane n modulo lanes.
        row_counts: `(4, rows)`, to be zero: NaN, +inf, -inf, zero.
        row_keys: `(rows, 2)`, in `b`'s type, to be its largest and smallest: the least and greatest finite as a key.
        row_totals: `(rows,)`, to be zero: the sum of what is finite.
        words: `(rows, m)`, the rows to be hashed, or none.
        hash_keys: see `hashes`.
        row_hashes: `(rows,)`, to be filled.
        lane_counts: `(6, lanes)`, to be zero: NaN, +inf, -inf, zero, subnormal, beyond float16.
        lane_ends: `(2, lanes)`, in `v`'s type, to be inf and -inf: the least and greatest finite.
        lane_bits: the same as integers.
        channels: every so manieth lane is of one.
        lane_sums: `(2, lanes)`, to be zero: distances from the shift, and their squares.
    """
    lanes = len(shift)
    piece = 4 * lanes * max(1, 4096 // (4 * lanes))
    scratch = np.empty(32)
    # What no channel's least is above, and what no channel's greatest is below: a piece between tells nothing new.
    floor, ceiling = marks[0], as_int(-marks[0] - 1)
    for start in range(0, len(v), piece):
        stop = min(start + piece, len(v))
        if size < SHORT:
            least, greatest, low, high = _short_rows(
                v, b, start, stop, size, as_int, marks, row_counts, row_keys, row_totals
            )
        else:
            least, greatest, low, high = _long_rows(
                v, b, start, stop, size, as_int, marks, row_counts, row_keys, row_totals, scratch
            )
        for row in range(start // size, stop // size):  # those that end here
            if row < len(words):
                row_hashes[row] = hash_of(words[row], hash_keys)
        _sums(v[start:stop], shift, lane_sums[0], lane_sums[1])
        if least < marks[2]:
            _count_small(b[start:stop], as_int, marks, lane_counts)
        if greatest > marks[3]:
            _count_large(b[start:stop], as_int, marks, lane_counts)
        if low < floor or high > ceiling:
            _ends(v[start:stop], lane_ends[0], lane_ends[1])
            floor, ceiling = _inner_ends(lane_bits, channels, as_int, marks)


@kernel
def _short_rows(
    v: NDArray[Any],
    b: NDArray[Any],
    start: int,
    stop: int,
    size: int,
    as_int: Any,
    marks: NDArray[Any],
    counts: Ints,
    keys: NDArray[Any],
    totals: Floats,
) -> tuple[Any, Any, Any, Any]:
    """What each row holds; of all, the least and greatest magnitude, and the least and greatest finite key."""
    magnitude, infinity = marks[0], marks[1]
    least, greatest = magnitude, as_int(0)
    low, high = magnitude, as_int(-magnitude - 1)
    row, column = start // size, start % size
    for n in range(start, stop):
        bits = b[n]
        number = as_int(bits & magnitude)
        least = number if number < least else least
        greatest = number if number > greatest else greatest
        if number < infinity:
            key = bits if bits >= 0 else as_int(bits ^ magnitude)
            low = key if key < low else low
            high = key if key > high else high
            keys[row, 0] = key if key < keys[row, 0] else keys[row, 0]
            keys[row, 1] = key if key > keys[row, 1] else keys[row, 1]
            totals[row] += np.float64(v[n])
            counts[3, row] += number == 0
        else:
            counts[0 if number > infinity else 1 if bits > 0 else 2, row] += 1
        column += 1
        if column == size:
            row, column = row + 1, 0
    return least, greatest, low, high


@kernel
def _long_rows(
    v: NDArray[Any],
    b: NDArray[Any],
    start: int,
    stop: int,
    size: int,
    as_int: Any,
    marks: NDArray[Any],
    counts: Ints,
    row_keys: NDArray[Any],
    totals: Floats,
    scratch: Floats,
) -> tuple[Any, Any, Any, Any]:
    """The same as of short rows, with a vector loop for each row, or for what of it is in the piece."""
    least, greatest = marks[0], as_int(0)
    low, high = marks[0], as_int(-marks[0] - 1)
    at = start
    while at < stop:
        row = at // size
        end = min((row + 1) * size, stop)
        row_least, row_greatest = _magnitudes(b[at:end], as_int, marks)
        row_low, row_high = _key_ends(b[at:end], as_int, marks)
        if row_greatest >= marks[1]:
            row_low, row_high = _finite_key_ends(b[at:end], as_int, marks)
        if row_least == 0 or row_greatest >= marks[1]:
            _row_counts(b[at:end], marks, counts[:, row])
        keys = row_keys[row]
        keys[0], keys[1] = min(keys[0], row_low), max(keys[1], row_high)
        low, high = min(low, row_low), max(high, row_high)
        least, greatest = min(least, row_least), max(greatest, row_greatest)
        totals[row] += _total(v[at:end], scratch)
        at = end
    return least, greatest, low, high


@kernel
def _magnitudes(b: NDArray[Any], as_int: Any, marks: NDArray[Any]) -> tuple[Any, Any]:
    """The least and the greatest, as bits: these order as the numbers do, and NaN is above infinity."""
    least, greatest = marks[0], as_int(0)
    for n in range(len(b)):
        size = as_int(b[n] & marks[0])
        least = size if size < least else least
        greatest = size if size > greatest else greatest
    return least, greatest


@kernel
def _key_ends(b: NDArray[Any], as_int: Any, marks: NDArray[Any]) -> tuple[Any, Any]:
    """The least and the greatest key: a key orders as its number does."""
    low, high = marks[0], as_int(-marks[0] - 1)
    for n in range(len(b)):
        key = b[n] if b[n] >= 0 else as_int(b[n] ^ marks[0])
        low = key if key < low else low
        high = key if key > high else high
    return low, high


@kernel
def _finite_key_ends(b: NDArray[Any], as_int: Any, marks: NDArray[Any]) -> tuple[Any, Any]:
    """The same of what is finite: slower."""
    low, high = marks[0], as_int(-marks[0] - 1)
    for n in range(len(b)):
        if as_int(b[n] & marks[0]) < marks[1]:
            key = b[n] if b[n] >= 0 else as_int(b[n] ^ marks[0])
            low = key if key < low else low
            high = key if key > high else high
    return low, high


@kernel
def _inner_ends(bits: NDArray[Any], channels: int, as_int: Any, marks: NDArray[Any]) -> tuple[Any, Any]:
    """The greatest of all channels' least, and the least of their greatest, as keys."""
    floor, ceiling = as_int(-marks[0] - 1), marks[0]
    for channel in range(channels):
        low, high = marks[0], as_int(-marks[0] - 1)
        for lane in range(channel, bits.shape[1], channels):
            one, other = bits[0, lane], bits[1, lane]
            low = min(low, one if one >= 0 else as_int(one ^ marks[0]))
            high = max(high, other if other >= 0 else as_int(other ^ marks[0]))
        floor, ceiling = max(floor, low), min(ceiling, high)
    return floor, ceiling


@kernel
def _row_counts(b: NDArray[Any], marks: NDArray[Any], counts: Ints) -> None:
    magnitude, infinity = marks[0], marks[1]
    nan, posinf, neginf, zero = 0, 0, 0, 0
    for n in range(len(b)):
        bits = b[n]
        size = bits & magnitude
        nan += size > infinity
        posinf += bits == infinity
        neginf += (size == infinity) & (bits < 0)
        zero += size == 0
    counts[0] += nan
    counts[1] += posinf
    counts[2] += neginf
    counts[3] += zero


@kernel
def _total(v: NDArray[Any], sums: Floats) -> float:
    """Of the finite elements, in 32 lanes, four elements of a lane at once."""
    whole = len(v) - len(v) % 128
    for lane in range(32):
        sums[lane] = 0.0
    for start in range(0, whole, 128):
        one, two = v[start : start + 32], v[start + 32 : start + 64]
        three, four = v[start + 64 : start + 96], v[start + 96 : start + 128]
        for n in range(32):
            a = np.float64(one[n]) if abs(one[n]) < np.inf else 0.0
            b = np.float64(two[n]) if abs(two[n]) < np.inf else 0.0
            c = np.float64(three[n]) if abs(three[n]) < np.inf else 0.0
            d = np.float64(four[n]) if abs(four[n]) < np.inf else 0.0
            sums[n] += (a + b) + (c + d)
    for start in range(whole, len(v), 32):
        some = v[start : start + 32]
        for n in range(len(some)):
            sums[n] += np.float64(some[n]) if abs(some[n]) < np.inf else 0.0
    total = 0.0
    for lane in range(min(32, len(v))):
        total += sums[lane]
    return total


@kernel
def _ends(v: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> None:
    """The least and greatest finite of each lane."""
    lanes = len(low)
    for start in range(0, len(v), lanes):
        some = v[start : start + lanes]
        for n in range(len(some)):
            x = some[n]
            finite = abs(x) < np.inf
            low[n] = x if finite and x < low[n] else low[n]
            high[n] = x if finite and x > high[n] else high[n]


@kernel
def _sums(v: NDArray[Any], shift: Floats, sums: Floats, squares: Floats) -> None:
    """Of the distances of what is finite, four elements of a lane at once."""
    lanes = len(shift)
    whole = len(v) - len(v) % (4 * lanes)
    for start in range(0, whole, 4 * lanes):
        one = v[start : start + lanes]
        two = v[start + lanes : start + 2 * lanes]
        three = v[start + 2 * lanes : start + 3 * lanes]
        four = v[start + 3 * lanes : start + 4 * lanes]
        for n in range(lanes):
            a = np.float64(one[n]) - shift[n] if abs(one[n]) < np.inf else 0.0
            b = np.float64(two[n]) - shift[n] if abs(two[n]) < np.inf else 0.0
            c = np.float64(three[n]) - shift[n] if abs(three[n]) < np.inf else 0.0
            d = np.float64(four[n]) - shift[n] if abs(four[n]) < np.inf else 0.0
            sums[n] += (a + b) + (c + d)
            squares[n] += (a * a + b * b) + (c * c + d * d)
    for start in range(whole, len(v), lanes):
        some = v[start : start + lanes]
        for n in range(len(some)):
            a = np.float64(some[n]) - shift[n] if abs(some[n]) < np.inf else 0.0
            sums[n] += a
            squares[n] += a * a


@kernel
def _count_small(b: NDArray[Any], as_int: Any, marks: NDArray[Any], counts: Ints) -> None:
    """Zeros and subnormals of each lane."""
    lanes = counts.shape[1]
    zero, subnormal = counts[3], counts[4]
    for start in range(0, len(b), lanes):
        some = b[start : start + lanes]
        for n in range(len(some)):
            size = as_int(some[n] & marks[0])
            zero[n] += size == 0
            subnormal[n] += (size > 0) & (size < marks[2])


@kernel
def _count_large(b: NDArray[Any], as_int: Any, marks: NDArray[Any], counts: Ints) -> None:
    """What is not finite, or beyond float16, of each lane."""
    lanes = counts.shape[1]
    nan, posinf, neginf, beyond = counts[0], counts[1], counts[2], counts[5]
    for start in range(0, len(b), lanes):
        some = b[start : start + lanes]
        for n in range(len(some)):
            size = as_int(some[n] & marks[0])
            nan[n] += size > marks[1]
            posinf[n] += some[n] == marks[1]
            neginf[n] += (size == marks[1]) & (some[n] < 0)
            beyond[n] += (size > marks[3]) & (size < marks[1])
