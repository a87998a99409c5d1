"""Masks: ids that are no class, brightness in the place of ids, a void that nobody has told of, colours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.checks.forms import are_pictures, odd_rows, picture_of, shared, without
from nandoctor.audit.checks.places import place_of
from nandoctor.audit.checks.targets import (
    class_limit,
    has_class_ids,
    listed,
    only_target,
    row_shapes,
    target_kind,
)
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact, Severity

_OUTSIDE = "mask-range"
_LEVELS = "mask-levels"
_BLACK_WHITE = "mask-black-white"
_VOID = "mask-void"
_SMALL = "mask-small"

VOID = 255
"""What most data sets write where no class is marked."""
SMALL = 64
"""Ids of few classes lie below."""
APART = 16
"""Levels of brightness for a few classes are spread so far, ids are not."""
BRIGHT = 128
MOST_LEVELS = 16
_NEARLY_ALL = 0.9
_LEAST = 10


# -- what each mask is asked ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outside:
    """Masks with an id below 0, or from `limit` on, that is not the ignored one: exact of bytes, else by both ends."""

    limit: int
    ignored: int | None

    def __call__(self, rows: RowFacts) -> NDArray[np.bool_]:
        if rows.bins is not None:
            wrong = np.arange(256) >= self.limit
            if self.ignored is not None and 0 <= self.ignored < 256:
                wrong[self.ignored] = False
            return _any(rows.bins[:, wrong])
        ignored = np.nan if self.ignored is None else self.ignored
        found: NDArray[np.bool_] = ((rows.minimum < 0) & (rows.minimum != ignored)) | (
            (rows.maximum >= self.limit) & (rows.maximum != ignored)
        )
        return found


def _is_levels(rows: RowFacts) -> NDArray[np.bool_]:
    """Masks of three or more values that are far apart, up to bright ones: 0, 128, 255."""
    found = _none(rows)
    bright = np.flatnonzero(rows.maximum >= BRIGHT)
    if rows.bins is None or not bright.size:
        return found
    up_to = np.zeros((len(bright), 257), np.int16)
    np.cumsum(rows.bins[bright] > 0, axis=1, out=up_to[:, 1:])
    close = (up_to[:, APART:] - up_to[:, :-APART] > 1).any(axis=1)
    found[bright] = ~close & (up_to[:, -1] >= 3)
    return found


def _is_black_white(rows: RowFacts) -> NDArray[np.bool_]:
    found = _none(rows)
    if rows.bins is not None:
        found = (rows.minimum == 0) & (rows.maximum == VOID) & (rows.bins[:, 0] + rows.bins[:, VOID] == rows.size)
    return found


def _holds_void(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = _none(rows) if rows.bins is None else rows.bins[:, VOID] > 0
    return found


@dataclass(frozen=True, slots=True)
class _Small:
    """Masks of small ids, beside those that may stand for nothing."""

    ignored: int | None

    def __call__(self, rows: RowFacts) -> NDArray[np.bool_]:
        if rows.bins is None:
            return _none(rows)
        large = np.arange(256) >= SMALL
        large[VOID] = False
        if self.ignored is not None and 0 <= self.ignored < 256:
            large[self.ignored] = False
        return ~_any(rows.bins[:, large])


def _any(bins: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a mask has one of these values."""
    found: NDArray[np.bool_] = np.any(bins > 0, axis=1)
    return found


def _none(rows: RowFacts) -> NDArray[np.bool_]:
    return np.zeros(len(rows.hash), np.bool_)


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    if target_kind(wishes) not in (None, "ids"):
        return ()
    limit = class_limit(wishes)
    if has_class_ids(wishes) and limit is not None:
        return (Probe(_OUTSIDE, "target", _Outside(limit, wishes.ignored)), Probe(_LEVELS, "target", _is_levels))
    return (
        Probe(_LEVELS, "target", _is_levels),
        Probe(_BLACK_WHITE, "target", _is_black_white),
        Probe(_VOID, "target", _holds_void),
        Probe(_SMALL, "target", _Small(wishes.ignored)),
    )


# -- what comes of it -----------------------------------------------------------------------------


def _examine(examined: Examined) -> Iterator[Found]:
    target = only_target(examined)
    if target is None or not target[1].readable:
        return
    name, masks = target
    if min(map(len, row_shapes(masks)), default=0) < 2 or target_kind(examined.wishes) not in (None, "ids"):
        return
    if _are_colours(masks):
        if has_class_ids(examined.wishes):  # else they may be images to be learnt
            yield _colours(name, masks)
    elif _OUTSIDE in masks.probes:
        yield from _outside(name, masks, examined.wishes)
    elif _values(masks, examined.wishes):
        yield from _brightness(name, masks, examined.wishes)
        yield from _untold_void(name, masks, examined.wishes)


def _values(masks: ComponentProfile, wishes: Wishes) -> list[int]:
    """The ids that occur, but for the ignored one; none where these are no whole numbers."""
    known = masks.classes
    return [] if known is None or not known.whole else sorted(k for k in known.elements if k != wishes.ignored)


def _are_colours(masks: ComponentProfile) -> bool:
    """Whether nearly all masks are colour images. One-hot masks hold nothing above 1."""
    numbers = masks.numbers
    if not are_pictures(masks) or numbers is None or (numbers.maximum or 0) <= 1:
        return False
    return shared(masks, "channels") in ((3,), (4,))


def _colours(name: str, masks: ComponentProfile) -> Found:
    form = max(masks.forms, key=lambda form: masks.forms[form].count)
    return Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"The masks are colour images ({picture_of(form)}), and the loss takes one class id for each pixel.",
        facts=(Fact(text=f"shape {form[0]} of {form[1]}", values={"shape": list(form[0])}),),
        repair="Map each colour to the id of its class, once, and write masks of one channel.",
        code="ids = {(128, 64, 128): 0, ...}   # for colour, k in ids.items(): mask[(rgb == colour).all(-1)] = k",
    )


# -- with known classes ---------------------------------------------------------------------------


def _outside(name: str, masks: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    rows, limit = _told(masks, _OUTSIDE), class_limit(wishes)
    if not rows.count or limit is None:
        return
    values = _values(masks, wishes)
    wrong = [] if len(odd_rows(masks)) else [k for k in values if not 0 <= k < limit]  # colours are counted, too
    told = f" ({listed(wrong)})" if wrong else ""
    repair, code, drop = _repair(name, values, wrong, limit, alone=_NEARLY_ALL * masks.readable > rows.count)
    yield Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"{rows.count:,} of {masks.rows:,} rows of {name} hold ids that are no class{told}: ids of {limit:,} "
        f"classes are 0 to {limit - 1:,}. On a CPU the loss raises, on a GPU and under XLA it is NaN.",
        rows=rows,
        facts=(*_counts(masks, wrong[:6]), *_levels_among(masks, rows)),
        repair=repair,
        code=code,
        drop=drop,
    )


def _counts(masks: ComponentProfile, wrong: list[int]) -> Iterator[Fact]:
    for k in wrong:
        count = masks.classes.rows[k] if masks.classes is not None else 0
        yield Fact(text=f"id {k:,} in {count:,} mask{'s' * (count != 1)}", values={"id": k, "rows": count})


def _levels_among(masks: ComponentProfile, rows: Rows) -> Iterator[Fact]:
    """The first of those that were saved as pictures."""
    levels = np.intersect1d(_told(masks, _LEVELS).first, rows.first)
    whose = place_of(masks)
    for row in levels[:NAMED].tolist():
        yield Fact(text=f"{whose(row)}: levels of brightness, as 0, 128, 255", values={"row": row})


def _repair(name: str, values: list[int], wrong: list[int], limit: int, *, alone: bool) -> tuple[str, str | None, bool]:
    """What to do, how that is written, and whether leaving out the rows is a repair."""
    if are_levels(values):
        return "Map these levels of brightness to ids.", _map(name, values), False
    if values and values[0] == 1 and values[-1] == limit:
        return "The ids run from 1: take 1 from each.", f"{name} = {name} - 1", False
    if len(wrong) == 1:
        told = f"Say that this id is to be ignored (--ignore-class {wrong[0]}), or map it to a class."
        return told, f"keras.losses.SparseCategoricalCrossentropy(ignore_class={wrong[0]})", alone
    return "Map the ids to 0 .. classes-1, or leave these masks out.", None, alone


def are_levels(values: list[int]) -> bool:
    """Whether a few values are spread like levels of brightness.

    >>> are_levels([0, 255]), are_levels([0, 128, 255]), are_levels([0, 1, 2, 255]), are_levels([0, 20, 40])
    (True, True, False, False)
    """
    if not 2 <= len(values) <= MOST_LEVELS or values[0] < 0 or not BRIGHT <= values[-1] <= VOID:
        return False
    return all(after - before >= APART for before, after in itertools.pairwise(values))


def _map(name: str, values: list[int]) -> str:
    return f"{name} = numpy.searchsorted({values}, {name})"


# -- without --------------------------------------------------------------------------------------


def _severity(wishes: Wishes) -> Severity:
    """Without a loss of ids they may be meant for another, or be mapped later on."""
    return "warning" if has_class_ids(wishes) else "note"


def _brightness(name: str, masks: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    values = _values(masks, wishes)
    if are_levels(values):
        yield Found(
            cause="label-out-of-range",
            severity=_severity(wishes),
            component=name,
            summary=f"The masks hold {listed(values)}: levels of brightness, no ids from 0 up. A loss of class ids "
            f"takes {values[-1]} for one of {values[-1] + 1} classes.",
            facts=(Fact(text=f"values {listed(values, most=MOST_LEVELS)}", values={"values": values}),),
            repair="Map them to ids; or to 0 and 1, for a loss of probabilities.",
            code=_map(name, values),
        )
        return
    rows, small = _odd_levels(masks, wishes), _told(masks, _SMALL).count
    if rows.count and small >= max(_LEAST, _NEARLY_ALL * (masks.readable - len(odd_rows(masks)))):
        yield Found(
            cause="label-out-of-range",
            severity="warning",
            component=name,
            summary=f"{rows.count:,} of {masks.rows:,} rows of {name} hold levels of brightness (as 0, 128, 255), "
            "where nearly all others hold small ids: saved as a picture, not as a mask.",
            rows=rows,
            repair="Make these masks anew, map their levels to ids, or leave them out.",
            drop=True,
        )


def _odd_levels(masks: ComponentProfile, wishes: Wishes) -> Rows:
    """Masks of bright levels; none where 255 is void: given as such, or in other masks, too."""
    levels, black_white, void = (_told(masks, name) for name in (_LEVELS, _BLACK_WHITE, _VOID))
    held = np.union1d(levels.first, black_white.first)
    if wishes.ignored == VOID or void.count > len(held):
        return Rows()
    return Rows(levels.count + black_white.count, held)


def _told(masks: ComponentProfile, name: str) -> Rows:
    """What a probe holds for, without masks in colours."""
    return without(masks.probes.get(name, Rows()), odd_rows(masks))


def _untold_void(name: str, masks: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    """255 among small ids."""
    if wishes.ignored == VOID or masks.classes is None or are_levels(_values(masks, wishes)):
        return
    levels = _odd_levels(masks, wishes).first
    rows, small = without(_told(masks, _VOID), levels), _told(masks, _SMALL).count
    if not rows.count or small < _NEARLY_ALL * (masks.readable - len(odd_rows(masks)) - len(levels)):
        return
    ids = [k for k in _values(masks, wishes) if k < SMALL]
    yield Found(
        cause="label-out-of-range",
        severity="warning" if wishes.loss is not None and has_class_ids(wishes) else "note",
        component=name,
        summary=f"{rows.count:,} of {masks.rows:,} rows of {name} hold {VOID} beside ids up to {max(ids, default=0)}: "
        "most likely what is to be left out. A loss that is not told so takes it for a class.",
        rows=rows,
        repair=f"Say so to the loss, and here: --ignore-class {VOID}.",
        code=f"keras.losses.SparseCategoricalCrossentropy(ignore_class={VOID})",
    )


CHECK = Check(_examine, _probes)
