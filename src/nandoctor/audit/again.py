"""Rows that are read a second time, for a picture or a copy; what is not the same as the first time is not taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.component import profile_column
from nandoctor.audit.source import Chunk, Column, Source

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited

Hashes = Mapping[tuple[str, int], int]
"""Of a component and a row, the hash that the first reading found."""


def chunks_again(
    source: Source, wanted: Callable[[int, int], bool] = lambda start, end: True
) -> Iterator[tuple[int, Chunk]]:
    """The chunks, each with the number of its first row; none of a source that is read only once.

    A part that says how many `rows` it has is passed over, unless some between its first and its end are wanted.
    """
    parts = source.parts()
    if not isinstance(parts, Sequence):
        return
    start = 0
    for part in parts:
        rows = getattr(part, "rows", None)
        if isinstance(rows, int) and not wanted(start, start + rows):
            start += rows
            continue
        for chunk in part.chunks():
            yield start, chunk
            start += chunk.rows


def rows_again(
    audited: Audited, wanted: Sequence[int], seconds: float
) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
    """The components of some rows, as far as they can be read in a time and are what they were.

    Args:
        audited: what they are from.
        wanted: their numbers, in any order.
        seconds: after which no further chunk is read.
    """
    left = sorted(set(wanted))
    known = hashes_of(audited, left)
    until = time.monotonic() + seconds
    for start, chunk in chunks_again(audited.source, lambda start, end: any(start <= row < end for row in left)):
        while left and left[0] < start + chunk.rows:
            row = left.pop(0)
            values = {name: value_at(column, row - start) for name, column in chunk.columns.items()}
            yield row, {n: v for n, v in values.items() if v is not None and same(n, row, chunk.columns[n], v, known)}
        if not left or time.monotonic() > until:
            return


def hashes_of(audited: Audited, rows: Sequence[int]) -> dict[tuple[str, int], int]:
    """What the profile knows of some rows."""
    found: dict[tuple[str, int], int] = {}
    for name, component in audited.profile.components.items():
        for numbers, hashes in zip(component.hashed, component.hashes, strict=True):
            at = np.flatnonzero(np.isin(numbers, rows))
            found |= {(name, int(numbers[n])): int(hashes[n]) for n in at}
    return found


def same(name: str, row: int, column: Column, value: NDArray[Any], known: Hashes) -> bool:
    """Whether the value of a row is the one of the first reading; also where that left no hash to tell by."""
    if (name, row) not in known:
        return True
    found = profile_column(Column(value[None], column.role, channels=column.channels), 1, ())
    return bool(found.hashes) and int(found.hashes[0][0]) == known[name, row]


def value_at(column: Column, row: int) -> NDArray[Any] | None:
    """What a column holds of a row of its chunk; None: it could not be read."""
    at = row
    if column.rows is not None:
        at = int(np.searchsorted(column.rows, row))
        if at == len(column.rows) or column.rows[at] != row:
            return None
    return np.asarray(column.values[at])
