"""Lanes: elements that are looked at beside each other, each for itself, as the channels of a row are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.exact import ExactMoments

Floats = NDArray[np.float64]

LANES = 96
"""About so many: a few vectors."""

LEAST_SQUARES = 1e-280
"""A sum of squares below has lost too much of those that are below the least float64."""


def lane_count(channels: int) -> int:
    """A multiple of the channels, and, where that is not far, of the elements of a vector."""
    even = math.lcm(channels, 16)
    step = even if even <= 256 else channels
    return step * max(1, LANES // step)


def sampled(columns: NDArray[Any]) -> NDArray[Any]:
    """Up to 31 elements of each channel, from all over `(n, channels)`."""
    return columns[:: max(1, len(columns) // 31)][:31]


def middles(columns: NDArray[Any]) -> Floats:
    """The median of some finite elements of each channel; 0 where there is none."""
    some = sampled(columns).astype(np.float64)
    finite = np.isfinite(some)
    ordered = np.sort(np.where(finite, some, np.inf), axis=0)
    counts = np.count_nonzero(finite, axis=0)
    found: Floats = ordered[np.maximum(counts - 1, 0) // 2, np.arange(columns.shape[1])]
    for channel in np.flatnonzero(counts == 0):
        column = columns[:, channel]
        first = column[np.isfinite(column)][:1]
        found[channel] = first[0] if first.size else 0.0
    return found


def moments_of(
    rows: NDArray[Any], counts: Sequence[int], shifts: Sequence[float], sums: Floats, constant: NDArray[np.bool_]
) -> tuple[ExactMoments, ...]:
    """Of each channel.

    Args:
        rows: all elements.
        counts, shifts: of each channel, the finite elements, and what the distances are from.
        sums: `(2, lanes)`, of the distances and of their squares.
        constant: of each channel, whether all finite elements are the same.
    """
    channels = len(counts)
    each = sums.reshape(2, -1, channels)
    totals = each[0].T.tolist()  # of the lanes of each channel
    found = []
    for n, squares in enumerate(each[1].sum(axis=0).tolist()):
        if not counts[n] or constant[n] or LEAST_SQUARES < squares < math.inf:
            found.append(ExactMoments.around(counts[n], shifts[n], math.fsum(totals[n]), squares))
        else:
            found.append(_scaled_moments(rows.reshape(-1, channels)[:, n]))
    return tuple(found)


def _scaled_moments(column: NDArray[Any]) -> ExactMoments:
    """Of numbers whose squares float64 does not hold: they are brought near 1 by a power of two, and back."""
    exact = column.astype(np.float64)
    exact = exact[np.isfinite(exact)]
    power = -int(np.frexp(np.abs(exact).max())[1])
    near = np.ldexp(exact, power)
    shift = float(middles(near[:, None])[0])
    away = near - shift
    return ExactMoments.around(near.size, shift, math.fsum(away), float(away @ away)).scaled(-power)
