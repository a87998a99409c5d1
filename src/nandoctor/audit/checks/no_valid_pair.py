"""Batches without two rows of one class, or without two classes, for a loss over pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nandoctor.audit.checks.batches import (
    batch_sizes,
    chance_of_all_different,
    chance_of_all_the_same,
    in_batches,
    row_hashes,
)
from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.no_valid_label import LIKELY, NEGLIGIBLE
from nandoctor.audit.checks.targets import is_single, listed, only_target
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.findings import Fact, Severity

_REPAIR = (
    "Draw P classes with K rows each for every batch (P x K batches), and leave an incomplete batch out; and divide by "
    "the number of pairs, at least 1."
)


@dataclass(frozen=True, slots=True)
class _Batches:
    """Bad batches of an epoch: without a positive pair, and without a negative one; expected, or counted.

    `certain`: there is one in each epoch.
    """

    alone: float
    same: float
    certain: bool

    @property
    def bad(self) -> float:
        return self.alone + self.same


def _examine(examined: Examined) -> Iterator[Found]:
    target, loss = only_target(examined), examined.wishes.loss
    if target is None or loss is None or not loss.pairs or examined.about.batches or not is_single(target[1]):
        return
    name, component = target
    counts = _counts(component)
    if not counts:
        return
    found = _never(counts) or _bad_batches(examined, component, list(counts.values()))
    if found is not None and (found.certain or found.bad >= NEGLIGIBLE):
        yield _of_batches(examined, name, counts, found)
    else:
        yield from _single_rows(name, counts)


def _counts(target: ComponentProfile) -> dict[int, int]:
    """Rows of each class; empty where not all of them are counted."""
    known = target.classes
    if known is None or sum(known.rows.values()) != target.readable:
        return {}
    return dict(known.rows)


def _never(counts: dict[int, int]) -> _Batches | None:
    """Of data in which no batch can have both pairs, whatever its size."""
    if sum(counts.values()) < 2:
        return None
    if len(counts) == 1:
        return _Batches(0.0, np.inf, certain=True)
    return _Batches(np.inf, 0.0, certain=True) if max(counts.values()) == 1 else None


def _bad_batches(examined: Examined, target: ComponentProfile, counts: list[int]) -> _Batches | None:
    sizes = batch_sizes(examined)
    if not sizes:
        return None
    if not examined.wishes.shuffled:
        return _counted(examined, target)
    alone = {size: chance_of_all_different(counts, size) for size in sizes if size <= sum(counts)}
    same = {size: chance_of_all_the_same(counts, size) if size > 1 else 0.0 for size in alone}
    return _Batches(
        sum(sizes[size] * chance for size, chance in alone.items()),
        sum(sizes[size] * chance for size, chance in same.items()),
        certain=any(alone[size] + same[size] > 1 - 1e-9 for size in alone),
    )


def _counted(examined: Examined, target: ComponentProfile) -> _Batches | None:
    """Of rows in order: rows with one hash have one label."""
    hashes, size = row_hashes(target), examined.wishes.batch_size
    if hashes is None or not size:
        return None
    alone = same = 0
    for table in in_batches(hashes, size, drop_remainder=examined.wishes.drop_remainder):
        ordered = np.sort(table, axis=1)
        equal = ordered[:, 1:] == ordered[:, :-1]
        has_positive = equal.any(axis=1)
        alone += int(np.count_nonzero(~has_positive))
        same += int(np.count_nonzero(equal.all(axis=1) & has_positive))
    return _Batches(alone, same, certain=alone + same > 0)


def _of_batches(examined: Examined, name: str, counts: dict[int, int], found: _Batches) -> Found:
    wishes, rows = examined.wishes, sum(counts.values())
    severity: Severity = "error" if found.certain or found.bad >= LIKELY else "warning"
    loss = "the loss" if wishes.loss is None else wishes.loss.name
    return Found(
        cause="no-valid-pair",
        severity=severity,
        component=name,
        summary=f"{_told(examined, counts, found)} {loss} learns nothing from them, and where it divides by the "
        "number of pairs, that is 0/0.",
        facts=(
            Fact(text=f"{rows:,} rows of {len(counts):,} classes", values={"rows": rows, "classes": len(counts)}),
            *_single_facts(counts),
            *_last_fact(examined),
        ),
        repair=_REPAIR if len(counts) > 1 else "Give rows of two classes, or more.",
    )


def _told(examined: Examined, counts: dict[int, int], found: _Batches) -> str:
    if found.same == np.inf:
        return f"All {sum(counts.values()):,} rows are of one class: no batch has a negative pair, and"
    if found.alone == np.inf:
        return f"Each of {len(counts):,} classes has one row: no batch has a positive pair, and"
    how = "by chance" if examined.wishes.shuffled else "in the order of the rows"
    total = sum(batch_sizes(examined).values())
    parts = [(found.alone, "have no two rows of one class"), (found.same, "have a single class")]
    told = " and ".join(f"{count:,.3g} {words}" for count, words in parts if count >= NEGLIGIBLE)
    return f"Of the {total:,} batches of an epoch, of {examined.wishes.batch_size:,} rows, {told}, {how}:"


def _last_fact(examined: Examined) -> tuple[Fact, ...]:
    """A last batch of one row has no pair, whatever it is."""
    if batch_sizes(examined).get(1) != 1 or examined.wishes.batch_size == 1:
        return ()
    return (Fact(text="the last batch has 1 row", values={"last": 1}),)


def _single_facts(counts: dict[int, int]) -> tuple[Fact, ...]:
    single = [k for k, n in counts.items() if n == 1]
    if not single:
        return ()
    told = f"{len(single):,} classes have one row: {listed(single)}"
    return (Fact(text=told, values={"single": len(single)}),)


def _single_rows(name: str, counts: dict[int, int]) -> Iterator[Found]:
    facts = _single_facts(counts)
    if not facts or len(counts) < 2:
        return
    yield Found(
        cause="no-valid-pair",
        severity="note",
        component=name,
        summary=f"Of {len(counts):,} classes {facts[0].values['single']:,} have one row: it is never part of a "
        "positive pair.",
        facts=facts,
        repair="Leave these classes out, or add rows to them.",
    )


CHECK = Check(_examine)
