"""Images, and other wide rows, that are the same as an earlier one: with the same label, or with another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.checks.constant_image import WIDE, constant_rows
from nandoctor.audit.checks.forms import without
from nandoctor.audit.checks.places import place_of
from nandoctor.audit.checks.targets import is_single, only_target
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.duplicates import PAIRS, duplicates
from nandoctor.audit.profile.rows import Rows
from nandoctor.findings import Fact, Severity

_FEW = 0.1
"""Where more are so, rows are repeated on purpose."""

_MANY = 1000
"""Different numbers in rows of one axis from which on they are measured, and no counts or ids."""

Pairs = list[tuple[int, int]]
"""(the later row, the first one that is the same)"""


def _examine(examined: Examined) -> Iterator[Found]:
    inputs = list(examined.components("input"))
    if len(inputs) != 1 or examined.about.partial:
        return  # one of several inputs may repeat as it likes; data without end do, too
    name, component = inputs[0]
    if not component.forms or any(math.prod(shape) < WIDE for shape, _ in component.forms):
        return
    found = duplicates(component)
    if not found.rows.count:
        return
    constant = set(constant_rows(component).first.tolist())  # those are told as such
    pairs = [pair for pair in found.pairs if pair[0] not in constant]
    other = _with_other_label(examined, pairs) if _says_much(component) else []
    if other:
        yield _contradicting(name, component, other)
    told = constant | {later for later, _ in other}
    rows = without(found.rows, np.array(sorted(told), np.int64))
    if rows.count:
        yield _same(name, component, rows, [pair for pair in pairs if pair[0] not in told])


def _says_much(component: ComponentProfile) -> bool:
    """Whether two rows are not the same by chance: of one axis, one-hot rows and bags of words often are."""
    pictures = all(len(shape) > 1 for shape, _ in component.forms)
    return pictures or (component.distinct_numbers or 0) > _MANY


def _same(name: str, component: ComponentProfile, rows: Rows, pairs: Pairs) -> Found:
    severity = _severity(component, rows)
    return Found(
        cause="duplicate-sample",
        severity=severity,
        component=name,
        summary=f"{rows.count:,} of {component.rows:,} rows of {name} {'is' if rows.count == 1 else 'are'} the same as "
        "an earlier one, to the bit: it counts more than once, and a loss over pairs may have an infinite slope at "
        "their distance of 0.",
        rows=rows,
        facts=_facts(pairs, place_of(component)),
        repair="Leave out the later ones, unless they are repeated on purpose; look for them in the validation data.",
        drop=severity == "warning",
    )


def _severity(component: ComponentProfile, rows: Rows) -> Severity:
    """Of images; flat rows of counts, or of words, may well be the same."""
    flat = any(len(shape) < 2 for shape, _ in component.forms)
    return "note" if flat or rows.count > max(1, _FEW * component.readable) else "warning"


def _contradicting(name: str, component: ComponentProfile, pairs: Pairs) -> Found:
    among = f" (of the first {PAIRS:,})" if len(pairs) == PAIRS else ""
    return Found(
        cause="duplicate-sample",
        severity="warning",
        component=name,
        summary=f"{len(pairs):,} of {component.rows:,} rows of {name}{among} "
        f"{'is' if len(pairs) == 1 else 'are'} the same as an earlier one, to the bit, and the label is another: "
        "one of both is wrong, and no model can fit them.",
        rows=Rows.of(np.array([later for later, _ in pairs], np.int64)),
        facts=_facts(pairs, place_of(component)),
        repair="Look at both, and keep the one whose label is right.",
    )


def _facts(pairs: Sequence[tuple[int, int]], whose: Callable[[int], str]) -> tuple[Fact, ...]:
    return tuple(
        Fact(text=f"{whose(later)} is {whose(first)}", values={"row": later, "same": first})
        for later, first in pairs[:NAMED]
    )


def _with_other_label(examined: Examined, pairs: Pairs) -> Pairs:
    """Those with two labels, where there is one class id for each row."""
    target = only_target(examined)
    if target is None or not pairs or not is_single(target[1]) or not _are_ids(target[1]):
        return []
    labels = _labels(target[1])
    return [] if labels is None else [(later, first) for later, first in pairs if _differ(labels, later, first)]


def _are_ids(target: ComponentProfile) -> bool:
    return target.classes is not None and target.classes.whole and not target.classes.many


_Labels = tuple[NDArray[np.int64], NDArray[np.uint64]]
"""Rows, rising, and the hash of the label of each."""


def _labels(target: ComponentProfile) -> _Labels | None:
    if not target.hashes or len(target.forms) != 1:
        return None
    rows, hashes = np.concatenate(target.hashed), np.concatenate(target.hashes)
    order = np.argsort(rows, kind="stable")
    return rows[order], hashes[order]


def _differ(labels: _Labels, one: int, other: int) -> bool:
    """Not of a row whose label is not known."""
    rows, hashes = labels
    places = np.searchsorted(rows, [one, other])
    if places.max() >= len(rows) or rows[places].tolist() != [one, other]:
        return False
    return bool(hashes[places[0]] != hashes[places[1]])


CHECK = Check(_examine)
