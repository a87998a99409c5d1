"""Which rows of the batch are to blame: by the values at the origin, or by leaving rows out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from nandoctor.trace.origin import Origin

SECONDS = 15.0
MOST_REPLAYS = 72


def rows_by_value(origin: Origin, batch_size: int | None) -> tuple[int, ...] | None:
    """The rows in which the origin's value is not finite; None where its first axis is not the batch."""
    array = origin.value.array
    if origin.value.rows is not None:
        return origin.value.bad_rows()
    if array is None or batch_size is None or array.ndim == 0 or array.shape[0] != batch_size or batch_size < 2:
        return None
    bad = ~np.isfinite(array).reshape(batch_size, -1)
    if bad.shape[1] == batch_size and (crossed := _rows_of_a_cross(bad)) is not None:
        return crossed
    return tuple(int(i) for i in np.flatnonzero(bad.any(axis=1)))


def _rows_of_a_cross(bad: np.ndarray) -> tuple[int, ...] | None:
    """Of a table of each row with each other one: the rows that are bad with every other, if nothing else is bad."""
    whole = (bad | np.eye(len(bad), dtype=bool)).all(axis=1)
    rest = bad[~whole][:, ~whole]
    return tuple(np.flatnonzero(whole).tolist()) if whole.any() and not whole.all() and not rest.any() else None


def rows_by_experiment(
    is_finite: Callable[[Sequence[int]], bool | None], batch_size: int, seconds: float = SECONDS
) -> tuple[int, ...]:
    """The smallest sets of rows found that still break the step; all rows where no part of the batch does.

    The batch is halved: where one half is finite the other one is taken to break, until a row is left, which is then
    tried alone. One bad row of 32, 128 or 512 takes 7 or 8, 9 or 10, 11 or 12 replays in all: log2(rows), and two or
    three that say that the whole breaks, that this row does, and that the rest does not. Rows that act together show
    in that a row which ought to break does not.
    """
    if batch_size < 2:
        return ()
    return tuple(sorted(_Search(is_finite, seconds).blamed(list(range(batch_size)))))


_ONE_BY_ONE = 3
"""Sets of rows that are looked for one after the other; where there are more both halves of everything are tried."""


class _Search:
    """One search, which asks nothing twice."""

    def __init__(self, is_finite: Callable[[Sequence[int]], bool | None], seconds: float) -> None:
        self._is_finite = is_finite
        self._deadline = time.perf_counter() + seconds
        self._replays = 0
        self._broken: set[tuple[int, ...]] = set()
        self._other: set[tuple[int, ...]] = set()
        self._finite: list[frozenset[int]] = []

    def blamed(self, rows: list[int]) -> list[int]:
        """Rows without which the step is finite."""
        found: list[int] = []
        left = rows
        for _ in range(_ONE_BY_ONE):
            if not left or not self._breaks(left):
                return found
            found += self._one_of(left)
            left = [row for row in rows if row not in found]
            if self._spent:
                return found + self._doubtful(left)
        return found + (self._each_of(left, left) if left and self._breaks(left) else [])

    def _doubtful(self, rows: list[int]) -> list[int]:
        """Those that were never in a part that stays finite."""
        return [row for row in rows if not any(row in part for part in self._finite)]

    def _one_of(self, rows: list[int]) -> list[int]:
        """A smallest set of rows that breaks, out of rows that do."""
        known = rows
        while len(rows) > 1:
            if self._spent:
                return known
            left, right = _halves(rows)
            if self._breaks(left):
                known = rows = left
            elif self._stays_finite(left):
                rows = right
            elif self._breaks(right):
                known = rows = right
            else:
                break
        return rows if len(rows) == 1 and self._breaks(rows) else self._together(known)

    def _each_of(self, rows: list[int], known: list[int]) -> list[int]:
        """All of them that break by themselves, of rows that are taken to break; the `known` ones around them do."""
        if self._spent:
            return self._doubtful(rows) or rows
        if len(rows) == 1:
            return rows if self._breaks(rows) else self._together(known)
        left, right = _halves(rows)
        if self._stays_finite(left):
            return self._each_of(right, known)
        parts = [half for half in (left, right) if self._breaks(half)]
        return [row for half in parts for row in self._each_of(half, half)] if parts else self._together(rows)

    def _together(self, rows: list[int]) -> list[int]:
        """Rows that break together, out of rows that do: about log2(rows) replays for each of them.

        The last row of the shortest beginning that breaks is one of them; with it in place the beginning is shortened
        again.
        """
        needed: list[int] = []
        while rows and not (needed and self._breaks(needed)):
            fine, breaking = 0, len(rows)
            while breaking - fine > 1:
                if self._spent:
                    return needed + rows[:breaking]
                middle = (fine + breaking) // 2
                if self._breaks([*rows[:middle], *needed]):
                    breaking = middle
                else:
                    fine = middle
            needed = [rows[breaking - 1], *needed]
            rows = rows[: breaking - 1]
        return needed

    # -- replays ----------------------------------------------------------------------------------

    @property
    def _spent(self) -> bool:
        return self._replays >= MOST_REPLAYS or time.perf_counter() > self._deadline

    def _breaks(self, rows: list[int]) -> bool:
        self._ask(rows)
        return tuple(rows) in self._broken

    def _stays_finite(self, rows: list[int]) -> bool:
        self._ask(rows)
        return any(part.issuperset(rows) for part in self._finite)

    def _ask(self, rows: list[int]) -> None:
        """Part of what stays finite is finite; what does not run is neither."""
        key = tuple(rows)
        if key in self._broken or key in self._other or any(part.issuperset(rows) for part in self._finite):
            return
        self._replays += 1
        answer = self._is_finite(rows)
        if answer is None:
            self._other.add(key)
        elif answer:
            self._finite.append(frozenset(rows))
        else:
            self._broken.add(key)


def _halves(rows: list[int]) -> tuple[list[int], list[int]]:
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]
