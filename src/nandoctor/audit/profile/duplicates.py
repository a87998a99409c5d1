"""Rows that are the same as an earlier one, by their hashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows

PAIRS = 1000
"""Duplicates that are kept with the row that they are the same as."""


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """Rows that are the same as an earlier one.

    Attributes:
        rows: the later ones.
        pairs: (later row, the first row that is the same) of the first 1,000 of them.
    """

    rows: Rows
    pairs: tuple[tuple[int, int], ...] = ()


def duplicates(component: ComponentProfile) -> Duplicates:
    """Of the rows that have been hashed: the first 16 million.

    Two different rows among those have one hash with a chance of one to a hundred thousand. What is the same in all its
    bytes is found, nothing else: a NaN is the same as a NaN of the same bytes, and 0.0 is not -0.0.
    """
    if not component.hashes:
        return Duplicates(Rows())
    hashes = np.concatenate(component.hashes)
    again = np.flatnonzero(_occurs_twice(hashes))
    if not again.size:
        return Duplicates(Rows())
    hashes, numbers = hashes[again], _at(component.hashed, again)
    order = np.lexsort((numbers, hashes))  # by hash, and by row where that is the same
    begins = np.append(True, hashes[order][1:] != hashes[order][:-1])
    earliest = numbers[order][begins][np.cumsum(begins) - 1]
    later, partner = numbers[order][~begins], earliest[~begins]
    rising = np.argsort(later)
    first = rising[:PAIRS]
    return Duplicates(Rows.of(later[rising]), tuple(zip(later[first].tolist(), partner[first].tolist(), strict=True)))


def _at(arrays: tuple[NDArray[np.int64], ...], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Elements of the arrays after each other, without a copy of all."""
    ends = np.cumsum([len(array) for array in arrays])
    each = np.split(places, np.searchsorted(places, ends[:-1]))
    starts = [0, *ends[:-1].tolist()]
    return np.concatenate([array[some - start] for array, some, start in zip(arrays, each, starts, strict=True)])


def _occurs_twice(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Of each, whether it is there a second time. To sort the hashes alone is quick, and most have no second."""
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not twice.size:
        return np.zeros(len(hashes), bool)
    place = np.minimum(np.searchsorted(twice, hashes), len(twice) - 1)
    found: NDArray[np.bool_] = twice[place] == hashes
    return found
