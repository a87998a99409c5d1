"""The histogram of a component: exact of integers of one byte, otherwise from the sketch of its quantiles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.component import ComponentProfile

BARS = 32
_QUANTILES = 2000
"""Quantiles that the bars are counted from; the sketch knows ranks to within 1%."""

_FAR = 20.0
"""From a range on that is so many times as wide as the middle nine tenths, bars of one width would show one bar."""

Histogram = tuple[tuple[float, ...], tuple[float, ...]]
"""Edges, rising, and the share of the finite elements between each two."""


def histogram_of(component: ComponentProfile) -> Histogram | None:
    """Of all finite elements of a component; None where there are none, or all are the same.

    The bars are of one width, unless some elements are far away from the others: then the bars grow away from the
    median, in proportion to the inverse hyperbolic sine, so that both can be seen.
    """
    numbers = component.numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None or numbers.minimum == numbers.maximum:
        return None
    if component.bins is not None and sum(component.bins) == numbers.count:
        return _of_bytes(component.bins)
    shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    values = np.array(component.quantiles.at(shares.tolist()))
    edges = _edges(numbers.minimum, numbers.maximum, values)
    if not values.size or edges is None:
        return None
    heights = np.histogram(values, edges)[0] / values.size
    # Both ends are known exactly, and one element may be what it is all about: it has a bar, if a low one.
    heights[[0, -1]] = np.maximum(heights[[0, -1]], 1 / numbers.count)
    return _plain(edges, heights)


def _of_bytes(bins: NDArray[np.int64]) -> Histogram:
    """Bars of as many values each as give at most 32 of them."""
    present = np.flatnonzero(bins)
    low, high = int(present[0]), int(present[-1]) + 1
    wide = _width(high - low)
    starts = np.arange(low, high, wide)
    heights = np.add.reduceat(bins[low:high], starts - low) / bins.sum()
    return _plain(np.append(starts, starts[-1] + wide).astype(float), heights)


def _width(values: int) -> int:
    """How many values a bar holds: the same for all bars, where that leaves enough of them.

    >>> _width(256), _width(200), _width(10), _width(199)
    (8, 8, 1, 7)
    """
    least = -(-values // BARS)
    return next((wide for wide in range(least, 2 * least) if values % wide == 0), least)


def _edges(low: float, high: float, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Of 32 bars; None where they would not rise."""
    with np.errstate(all="ignore"):
        first, median, last = np.quantile(values, (0.05, 0.5, 0.95)) if values.size else (0.0, 0.0, 0.0)
        spread = float(last - first)
        if 0 < spread < (high - low) / _FAR and math.isfinite(high - low):
            ends = np.arcsinh((np.array([low, high]) - median) / spread)
            edges = median + spread * np.sinh(np.linspace(ends[0], ends[1], BARS + 1))
        else:
            edges = low + (high / BARS - low / BARS) * np.arange(BARS + 1)
    edges[0], edges[-1] = low, high
    return edges if (np.diff(edges) > 0).all() else None


def _plain(edges: NDArray[np.float64], heights: NDArray[np.float64]) -> Histogram:
    return tuple(map(float, edges)), tuple(map(float, heights))
