"""Which rows of the batch are to blame: by the values at the origin, or by leaving rows out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from nandoctor.trace.origin import Origin

SECONDS = 15.0
MOST_REPLAYS = 64


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

    The batch is halved, and each half that breaks alone is halved again: about log2(rows) replays for one bad
    row. Where neither half breaks (the rows act together), rows are left out as long as the rest still breaks.
    """
    deadline = time.perf_counter() + seconds
    budget = [MOST_REPLAYS]

    def breaks(rows: Sequence[int]) -> bool:
        budget[0] -= 1
        return bool(rows) and is_finite(rows) is False

    def spent() -> bool:
        return budget[0] <= 0 or time.perf_counter() > deadline

    def narrow(rows: list[int]) -> list[int]:
        if len(rows) == 1 or spent():
            return rows
        middle = len(rows) // 2
        halves = [half for half in (rows[:middle], rows[middle:]) if breaks(half)]
        return [row for half in halves for row in narrow(half)] if halves else _reduced(rows, breaks, spent)

    everything = list(range(batch_size))
    return tuple(narrow(everything)) if batch_size > 1 and breaks(everything) else ()


def _reduced(rows: list[int], breaks: Callable[[Sequence[int]], bool], spent: Callable[[], bool]) -> list[int]:
    """Leave out chunks, ever smaller, as long as the rest still breaks (delta debugging)."""
    chunk = max(1, len(rows) // 4)
    while not spent():
        kept = rows
        for start in range(0, len(rows), chunk):
            rest = [row for row in kept if row not in rows[start : start + chunk]]
            if not spent() and breaks(rest):
                kept = rest
        if kept == rows and chunk == 1:
            break
        rows, chunk = kept, max(1, chunk // 2)
    return rows
