"""How often each class id occurs, and in how many rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 65_536
"""With more different values a component is no class id; then none of them are kept."""


TABLE = 1 << 20
"""Numbers that lie closer together than this are counted in a table; others are sorted."""


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
        flat = flat if flat.dtype.itemsize in (4, 8) else flat.astype(np.float64)
        finite = np.isfinite(flat)
        low, high = np.min(flat, where=finite, initial=np.inf), np.max(flat, where=finite, initial=-np.inf)
        if low > high:
            return Classes()
    else:
        flat = flat if flat.dtype.itemsize == 8 else flat.astype(np.int64)
        low, high = flat.min(), flat.max()
    if low != low // 1:
        return Classes(whole=False)
    return _counted(flat, int(low), int(high))


def _counted(flat: NDArray[Any], low: int, high: int) -> Classes:
    """Of numbers from `low` to `high`: in a table, if they are close together."""
    if high - low < TABLE and abs(low) < 1 << 53 and abs(high) < 1 << 53:
        from nandoctor.audit.kernels.classes import count_classes

        table = np.zeros((3, high - low + 1), np.int64)
        same = flat.astype(np.int64) if flat.dtype.kind == "u" else flat
        if not count_classes(same, low, table):
            return Classes(whole=False)
        found = np.flatnonzero(table[0])
        values, elements, rows = found + low, table[0, found], table[1, found]
    else:
        finite = flat[np.isfinite(flat)]
        if not np.array_equal(finite, np.trunc(finite)):
            return Classes(whole=False)
        values, elements = np.unique(finite, return_counts=True)
        rows = elements if flat.shape[1] == 1 else _rows_with(flat, values)
    if len(values) > MOST:
        return Classes(many=True)
    each = [int(value) for value in values]
    return Classes(dict(zip(each, elements.tolist(), strict=True)), dict(zip(each, rows.tolist(), strict=True)))


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
