"""Which rows something holds for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NAMED = 1_000_000
"""Rows that are kept by number; of more only how many there are."""


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """How many rows something holds for, and which, rising; at most the first million of them by number."""

    count: int = 0
    first: NDArray[np.int64] = field(default_factory=_none)

    @classmethod
    def where(cls, holds: NDArray[np.bool_], rows: NDArray[np.int64] | None = None) -> Rows:
        """Those of a bool for each row; `rows` are their numbers where they are not 0, 1, 2 ..."""
        found = np.flatnonzero(holds).astype(np.int64)
        return cls(len(found), (found if rows is None else rows[found])[:NAMED])

    @classmethod
    def of(cls, numbers: NDArray[np.int64]) -> Rows:
        """Rows by their numbers, which rise."""
        return cls(len(numbers), numbers[:NAMED].copy())

    def after(self, rows: int) -> Rows:
        """The same, with `rows` rows before them."""
        return Rows(self.count, self.first + rows) if rows and self.count else self

    def rising(self) -> Rows:
        """The same, in order."""
        return Rows(self.count, np.sort(self.first))

    def __add__(self, other: Rows) -> Rows:
        """Both; `other` comes after, and has been moved there."""
        if not other.count:
            return self
        return Rows(self.count + other.count, np.concatenate([self.first, other.first])[:NAMED])
