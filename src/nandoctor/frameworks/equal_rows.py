"""Rows of one set of arrays that are equal to rows of another, element by element; NaN is equal to NaN."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]
"""Arrays with as many rows each, by role."""

_PROBES = 24
"""Elements of each row that are compared first."""

_PIECE = 4 << 20
"""Elements that are looked at in one go."""


class OutOfTimeError(Exception):
    """The data were not looked through to their end."""


def equal_rows(wanted: Arrays, data: Mapping[str, Any], deadline: float) -> list[list[int]]:
    """For each wanted row the rows of the data that are equal to it in every array; none where they do not compare.

    The data are cast to the types of what is wanted, as the framework has cast them on their way.

    Args:
        wanted: `(rows, ...)` each.
        data: `(all rows, ...)` each; anything that NumPy can read as an array.
        deadline: by `time.perf_counter`.

    Raises:
        OutOfTimeError: it has passed.

    >>> x = np.array([[1.0, np.nan], [0.0, 2.0], [1.0, np.nan]])
    >>> equal_rows({"x": x[:1].astype("float32")}, {"x": x}, time.perf_counter() + 5.0)
    [[0, 2]]
    """
    count = len(next(iter(wanted.values()), ()))
    found: list[list[int]] = [[] for _ in range(count)]
    if data.keys() != wanted.keys():
        return found
    rows, table = _flat(wanted), _flat({role: np.asarray(array) for role, array in data.items()})
    if len({len(a) for a in table.values()}) != 1 or any(table[r].shape[1] != a.shape[1] for r, a in rows.items()):
        return found
    probes = {role: _telling(a) for role, a in rows.items()}
    size, step = len(next(iter(table.values()))), max(1, _PIECE // max(1, sum(a.shape[1] for a in rows.values())))
    for start in range(0, size, step):
        piece = {role: a[start : start + step] for role, a in table.items()}
        probed = {role: _cast(a[:, probes[role]], rows[role]) for role, a in piece.items()}
        for n in range(count):
            if time.perf_counter() > deadline:
                raise OutOfTimeError
            near = [_same(a, rows[role][n, probes[role]]) for role, a in probed.items()]
            found[n] += [start + i for i in _verified(np.flatnonzero(np.logical_and.reduce(near)), piece, rows, n)]
    return found


def _flat(arrays: Arrays) -> dict[str, np.ndarray]:
    """Each row as a vector: `(n,)` and `(n, 1)` hold the same."""
    return {role: a.reshape(len(a), int(np.prod(a.shape[1:], dtype=np.int64))) for role, a in arrays.items()}


def _telling(rows: np.ndarray) -> np.ndarray:
    """Places at which other rows are likely to hold something else: not finite in one of these rows, or not 0."""
    if rows.shape[1] <= _PROBES:
        return np.arange(rows.shape[1])
    values = rows if rows.dtype.kind in "biufc" else rows.astype(np.float64)
    weight = (4.0 * ~np.isfinite(values) + (values != 0)).sum(axis=0)
    anywhere = np.random.default_rng(0).permutation(rows.shape[1])  # neighbours often hold the same
    return np.sort(anywhere[np.argsort(-weight[anywhere], kind="stable")[:_PROBES]])


def _verified(near: np.ndarray, piece: Arrays, rows: Arrays, n: int) -> list[int]:
    """Those that are equal throughout."""
    for role, array in piece.items():
        if len(near):
            near = near[_same(_cast(array[near], rows[role]), rows[role][n])]
    return [int(i) for i in near]


def _same(piece: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which rows of a piece hold the values."""
    equal = (piece == values) | (np.isnan(piece) & np.isnan(values))
    return np.asarray(equal.all(axis=1))


def _cast(array: np.ndarray, like: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return array.astype(like.dtype, copy=False)
