"""The batch for the eye: pictures of images, tables of everything else, the rows to blame first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nandoctor.report.pictures import Scale, is_picture, picture, scale_of
from nandoctor.report.values import Seen, seen, short, text_of
from nandoctor.trace.statistics import is_floating, tensor_stats

ROWS = 24
COLUMNS = 12

_TABLES = 8

_PICTURE_BYTES = 800_000
"""What all pictures of a page may take."""


@dataclass(frozen=True, slots=True)
class Array:
    """One array of the batch: its role, its numbers in words, and what its pictures show, where it has any."""

    role: str
    seen: Seen
    scale: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table; `bad` if it is not finite."""

    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One row of the batch as pictures, and the row's single values, such as its target."""

    row: int
    guilty: bool
    pictures: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the batch in a table."""

    row: int
    guilty: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Arrays of the batch as a table."""

    role: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BatchView:
    """What the page shows of a batch."""

    words: str
    left_out: int
    arrays: tuple[Array, ...]
    cards: tuple[Card, ...]
    tables: tuple[Table, ...]


def view_batch(batch: Mapping[str, np.ndarray], guilty: tuple[int, ...]) -> BatchView:
    """Choose the rows, and show each array in the way that fits it."""
    arrays = {role: np.asarray(array) for role, array in batch.items()}
    lengths = [a.shape[0] for a in arrays.values() if a.ndim]
    size = max(set(lengths), key=lengths.count) if lengths else None
    in_rows = {role: a for role, a in arrays.items() if a.ndim and a.shape[0] == size}
    order = _order(size or 0, guilty)
    pictures = {role: a for role, a in in_rows.items() if is_picture(a)}
    stats = {role: tensor_stats(a) for role, a in arrays.items()}
    scales = {role: scale_of(stats[role]) for role in pictures}
    blamed = frozenset(guilty)
    others = {role: a for role, a in in_rows.items() if role not in pictures}
    single = _first({role: a.reshape(-1) for role, a in others.items() if a.size == size}, COLUMNS)
    wide = _first({role: a for role, a in others.items() if a.size != size}, _TABLES)
    cards = _cards(order, blamed, pictures, scales, single) if pictures else ()
    return BatchView(
        words=_words(size or 0, len(cards) if pictures else len(order), len(blamed)),
        left_out=len(in_rows) - len(pictures) - len(single) - len(wide),
        arrays=tuple(Array(role, seen(s), _legend(scales.get(role))) for role, s in stats.items()),
        cards=cards,
        tables=_tables(order, blamed, {} if pictures else single, wide),
    )


def _first(arrays: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Of many arrays those that are not finite, then the others as they come."""
    if len(arrays) <= count:
        return arrays
    chosen = sorted(arrays, key=lambda role: tensor_stats(arrays[role]).finite)[:count]
    return {role: array for role, array in arrays.items() if role in chosen}


def _words(size: int, shown: int, guilty: int) -> str:
    """Which rows are shown."""
    which = f"All {size:,} rows" if shown == size and size > 1 else f"{shown:,} of {size:,} rows"
    first = ", those to blame first" if 0 < guilty < size else ""
    return f"{which}{first}. Rows count from 0."


def _legend(scale: Scale | None) -> str:
    """What the pictures of an array show."""
    if scale is None:
        return ""
    if scale.black == scale.white:
        return f"in the pictures grey is {short(scale.black)}"
    return f"in the pictures black is {short(scale.black)}, white {short(scale.white)}, pink not finite"


def _order(size: int, guilty: tuple[int, ...]) -> list[int]:
    """The rows that are shown: those to blame first."""
    first = [row for row in sorted(set(guilty)) if 0 <= row < size][:ROWS]
    blamed = set(guilty)
    others = (row for row in range(size) if row not in blamed)
    return first + [row for row, _ in zip(others, range(ROWS - len(first)), strict=False)]


def _cards(
    order: list[int],
    guilty: frozenset[int],
    pictures: Mapping[str, np.ndarray],
    scales: Mapping[str, Scale | None],
    single: Mapping[str, np.ndarray],
) -> tuple[Card, ...]:
    cards: list[Card] = []
    spent = 0
    for row in order:
        drawn = tuple((role, picture(a[row], scales[role])) for role, a in pictures.items())
        spent += sum(len(address) for _, address in drawn)
        if spent > _PICTURE_BYTES and cards:
            break
        cards.append(Card(row, row in guilty, drawn, tuple((role, _cell(a[row])) for role, a in single.items())))
    return tuple(cards)


def _tables(
    order: list[int], guilty: frozenset[int], single: Mapping[str, np.ndarray], wide: Mapping[str, np.ndarray]
) -> tuple[Table, ...]:
    """A table for each wide array; single values stand in front in the first of them."""
    tables = []
    front = dict(single)
    for role, array in wide.items():
        tables.append(_table(role, array, order, guilty, front))
        front = {}
    if front:
        rows = tuple(Row(n, n in guilty, tuple(_cell(a[n]) for a in front.values())) for n in order)
        tables.append(Table("", ", ".join(front), tuple(front), rows))
    return tuple(tables)


def _table(
    role: str, array: np.ndarray, order: list[int], guilty: frozenset[int], front: Mapping[str, np.ndarray]
) -> Table:
    if array.ndim > 2:
        return _summary_table(role, array, order, guilty, front)
    columns = _columns(array, order, guilty)
    rows = tuple(
        Row(n, n in guilty, tuple(_cell(v) for v in (*(a[n] for a in front.values()), *(array[n, c] for c in columns))))
        for n in order
    )
    hidden = array.shape[1] - len(columns)
    caption = f"{role}: {len(columns)} of its {array.shape[1]:,} columns" if hidden else role
    return Table(role, caption, (*front, *(f"[{c}]" for c in columns)), rows)


def _columns(array: np.ndarray, order: list[int], guilty: frozenset[int]) -> list[int]:
    """The columns that are shown: first those not finite in a row to blame, then those not finite in any row."""
    bad = ~np.isfinite(array) if is_floating(array.dtype) else np.zeros(array.shape, bool)
    blamed = [n for n in order if n in guilty]
    weight = 2 * bad[blamed].any(axis=0) + bad.any(axis=0)
    return [int(c) for c in np.argsort(-weight.astype(int), kind="stable")[:COLUMNS]]


def _summary_table(
    role: str, array: np.ndarray, order: list[int], guilty: frozenset[int], front: Mapping[str, np.ndarray]
) -> Table:
    """An array that is neither picture nor table: what each of its rows holds."""
    rows = []
    for n in order:
        stats = tensor_stats(array[n])
        numbers = (short(stats.min), short(stats.max), short(stats.mean))
        counts = (stats.nan, stats.posinf + stats.neginf, stats.zero)
        cells = [_cell(a[n]) for a in front.values()] + [Cell(text) for text in numbers]
        cells += [
            Cell(f"{count:,}", bad) for count, bad in zip(counts, (counts[0] > 0, counts[1] > 0, False), strict=True)
        ]
        rows.append(Row(n, n in guilty, tuple(cells)))
    caption = f"{role}: what each row holds"
    return Table(role, caption, (*front, "min", "max", "mean", "NaN", "infinite", "zero"), tuple(rows))


def _cell(value: object) -> Cell:
    return Cell(*text_of(value))
