"""How often each class id occurs, and in how many rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 65_536
"""With more different values a component is no class id; then none of them are kept."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Elements and rows with each whole number. `whole`: whether all finite elements have been whole numbers.

    `many`: there were more than 65,536 different ones, and none is kept.
    """

    elements: Mapping[int, int] = field(default_factory=dict)
    rows: Mapping[int, int] = field(default_factory=dict)
    whole: bool = True
    many: bool = False

    def __add__(self, other: Classes) -> Classes:
        whole = self.whole and other.whole
        elements = _added(self.elements, other.elements)
        if self.many or other.many or not whole or len(elements) > MOST:
            return Classes(whole=whole, many=self.many or other.many or len(elements) > MOST)
        return Classes(elements, _added(self.rows, other.rows))


def classes_in(values: NDArray[Any], bins: NDArray[np.uint32] | None) -> Classes:
    """Of the rows of an array; with the bins of its rows, where they are of one byte."""
    if bins is not None:
        present = np.flatnonzero(bins.any(axis=0))
        elements = bins.sum(axis=0, dtype=np.int64)
        rows = np.count_nonzero(bins, axis=0)
        return Classes({int(k): int(elements[k]) for k in present}, {int(k): int(rows[k]) for k in present})
    flat = values.reshape(len(values), -1)
    if flat.dtype.kind == "f":
        finite = flat[np.isfinite(flat)]
        if not np.array_equal(finite, np.trunc(finite)):
            return Classes(whole=False)
        found, counts = np.unique(finite, return_counts=True)
    else:
        found, counts = np.unique(flat, return_counts=True)
    if len(found) > MOST:
        return Classes(many=True)
    per_row = counts if flat.shape[1] == 1 else _rows_with(flat, found)
    return Classes(
        {int(k): int(n) for k, n in zip(found, counts, strict=True)},
        {int(k): int(n) for k, n in zip(found, per_row, strict=True)},
    )


def _rows_with(flat: NDArray[Any], found: NDArray[Any]) -> NDArray[np.int64]:
    """In how many rows each of the values occurs."""
    ordered = np.sort(flat, axis=1)
    first = np.ones(ordered.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    place = np.searchsorted(found, ordered[first & np.isfinite(ordered)])
    return np.bincount(place, minlength=len(found))


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    both = dict(one)
    for key, count in other.items():
        both[key] = both.get(key, 0) + count
    return both
