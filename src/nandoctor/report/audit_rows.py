"""The rows that findings name, for the eye: pictures of images, tables of everything else."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.again import rows_again
from nandoctor.report.batch import BatchView, Card, Cell, view_batch
from nandoctor.report.pictures import Scale, is_picture, picture
from nandoctor.report.values import text_of
from nandoctor.report.words import printable

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited

ROWS = 24
_PER_FINDING = 4
"""Of many findings; of few, all rows that they name."""

_SECONDS = 5.0
_PICTURE_BYTES = 800_000
_ELEMENTS = 4 << 20
"""A row of more elements is not shown."""

Row = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class WorstCard:
    """A row as pictures, and the causes that it stands for."""

    card: Card
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorstRows:
    """Rows that findings name: cards where there are pictures among them, otherwise tables."""

    cards: tuple[WorstCard, ...] = ()
    tables: BatchView | None = None
    pictures: int = 0
    missing: int = 0


def worst_rows(audited: Audited) -> WorstRows:
    """Some rows of each finding, as far as they can be read again; nothing where that fails."""
    causes = _wanted(audited)
    found: dict[int, Row] = {}
    with contextlib.suppress(Exception):  # the page is good without them
        for row, values in rows_again(audited, list(causes), _SECONDS):
            found[row] = {name: v for name, v in values.items() if v.size <= _ELEMENTS}
    shown = {row: found[row] for row in causes if found.get(row)}
    missing = len(causes) - len(shown)
    cards = _cards(shown, causes, audited)
    if cards:
        return WorstRows(cards, None, max(len(c.card.pictures) for c in cards), missing)
    names = {c.name: [channel.name for channel in c.channels] for c in audited.result.components}
    return WorstRows((), _tables(shown, names), 0, missing)


def _wanted(audited: Audited) -> dict[int, tuple[str, ...]]:
    """The rows, and the causes that each was named for: the first of each finding."""
    causes: dict[int, tuple[str, ...]] = {}
    each = max(_PER_FINDING, ROWS // len(audited.result.findings))
    for finding in audited.result.findings:
        if finding.component and finding.component not in audited.profile.components:
            continue
        for row in finding.rows[:each]:
            if row in causes or len(causes) < ROWS:
                causes[row] = tuple(dict.fromkeys((*causes.get(row, ()), f"{finding.code} {finding.cause}")))
    return causes


def _cards(rows: Mapping[int, Row], causes: Mapping[int, tuple[str, ...]], audited: Audited) -> tuple[WorstCard, ...]:
    cards: list[WorstCard] = []
    spent = 0
    for row, values in rows.items():
        drawn = tuple((name, picture(v, _scale(name, audited))) for name, v in values.items() if is_picture(v[None]))
        spent += sum(len(address) for _, address in drawn)
        if spent > _PICTURE_BYTES:
            break
        if drawn:
            single = tuple((name, Cell(*text_of(v.reshape(())))) for name, v in values.items() if v.size == 1)
            cards.append(WorstCard(Card(row, False, drawn, single), causes[row]))
    return tuple(cards)


def _scale(name: str, audited: Audited) -> Scale | None:
    """Black is the smallest number of the component, white the largest, so that rows can be compared."""
    numbers = audited.profile.components[name].numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None:
        return None
    return Scale(numbers.minimum, numbers.maximum)


def _tables(rows: Mapping[int, Row], channels: Mapping[str, Sequence[str]]) -> BatchView | None:
    """Components of one shape as tables, in which rows have their numbers in the data, and columns their names."""
    numbers = list(rows)
    if not numbers:
        return None
    names = [name for name in rows[numbers[0]] if _uniform([r.get(name) for r in rows.values()])]
    arrays = {name: np.stack([rows[row][name] for row in numbers]) for name in names}
    if not arrays:
        return None
    view = view_batch(arrays, tuple(range(len(numbers))))
    return replace(
        view,
        tables=tuple(
            replace(
                table,
                columns=tuple(_named(column, channels.get(table.role, ())) for column in table.columns),
                rows=tuple(replace(r, row=numbers[r.row], guilty=False) for r in table.rows),
            )
            for table in view.tables
        ),
    )


def _named(column: str, names: Sequence[str]) -> str:
    """`[1]`, or what the data call that column."""
    number = column[1:-1]
    if not (column == f"[{number}]" and number.isdecimal() and int(number) < len(names)):
        return column
    return column if names[int(number)] == number else printable(names[int(number)])


def _uniform(values: Sequence[NDArray[Any] | None]) -> bool:
    some = [v for v in values if v is not None and v.dtype.kind in "biuf"]
    return len(some) == len(values) and len({(v.shape, v.dtype) for v in some}) == 1
