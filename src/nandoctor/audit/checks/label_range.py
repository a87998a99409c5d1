"""Class ids that the model has no output for. Masks are looked at by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.targets import class_limit, has_class_ids, is_flat, is_single, listed, only_target
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact

_OUTSIDE = "label-range"
_FRACTION = "label-fraction"


@dataclass(frozen=True, slots=True)
class _Outside:
    """Rows with an id below 0, or from `limit` on, that is not the ignored one."""

    limit: int | None
    ignored: int | None

    def __call__(self, rows: RowFacts) -> NDArray[np.bool_]:
        outside: NDArray[np.bool_] = (rows.minimum < 0) & self._counts(rows.minimum)
        if self.limit is not None:
            outside |= (rows.maximum >= self.limit) & self._counts(rows.maximum)
        return outside

    def _counts(self, ids: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.ones(ids.shape, np.bool_) if self.ignored is None else ids != self.ignored


def _is_fraction(rows: RowFacts) -> NDArray[np.bool_]:
    """Of a row of one number: whether it is not whole. Of a longer one the extremes are looked at."""
    cut = (rows.minimum != np.trunc(rows.minimum)) | (rows.maximum != np.trunc(rows.maximum))
    found: NDArray[np.bool_] = np.isfinite(rows.minimum) & cut
    return found


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    if not has_class_ids(wishes):
        return ()
    outside = _Outside(class_limit(wishes), wishes.ignored)
    return (Probe(_OUTSIDE, "target", outside), Probe(_FRACTION, "target", _is_fraction))


def _examine(examined: Examined) -> Iterator[Found]:
    target = only_target(examined)
    if target is None or not has_class_ids(examined.wishes) or not is_flat(target[1]):
        return
    yield from _outside(*target, examined.wishes)
    yield from _fractions(*target, examined.wishes)


def _outside(name: str, target: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    rows, limit = target.probes.get(_OUTSIDE), class_limit(wishes)
    if rows is None or not rows.count or (limit is None and not _are_ids(target, wishes)):
        return
    wrong = _wrong_ids(target, limit, wishes.ignored)
    from_one = _runs_from_one(target, limit, wishes.ignored)
    allowed = "ids are 0 and above" if limit is None else f"ids of {limit:,} classes are 0 to {limit - 1:,}"
    told = f" ({listed(list(wrong))})" if wrong else ""
    start = f" They run from 1 to {limit:,}: one too high." if from_one else ""
    yield Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"{rows.count:,} of {target.rows:,} rows of {name} hold ids that are no class{told}: {allowed}.{start} "
        "On a CPU the loss raises, on a GPU and under XLA it is NaN.",
        rows=rows,
        facts=tuple(
            Fact(text=f"id {k:,} in {n:,} rows", values={"id": k, "rows": n}) for k, n in sorted(wrong.items())[:6]
        ),
        repair=_repair(list(wrong), from_one=from_one),
        code=_code(name, list(wrong), from_one=from_one),
        drop=not from_one,
    )


def _are_ids(target: ComponentProfile, wishes: Wishes) -> bool:
    return wishes.loss is not None and target.classes is not None and target.classes.whole


def _wrong_ids(target: ComponentProfile, limit: int | None, ignored: int | None) -> dict[int, int]:
    """Rows with each id that is no class; empty where the ids have not been counted."""
    counted = target.classes.rows if target.classes is not None else {}
    return {k: n for k, n in counted.items() if k != ignored and (k < 0 or (limit is not None and k >= limit))}


def _runs_from_one(target: ComponentProfile, limit: int | None, ignored: int | None) -> bool:
    """Whether all ids are in 1 .. C, and both ends occur."""
    found = {k for k in (target.classes.rows if target.classes is not None else {}) if k != ignored}
    return limit is not None and bool(found) and min(found) == 1 and max(found) == limit


def _repair(wrong: list[int], *, from_one: bool) -> str:
    if from_one:
        return "Take 1 from each label."
    if len(wrong) == 1:
        return "Say that this id is to be ignored, map it to a class, or leave these rows out."
    return "Map the labels to 0 .. classes-1, leave these rows out, or give the last layer more units."


def _code(name: str, wrong: list[int], *, from_one: bool) -> str | None:
    if from_one:
        return f"{name} = {name} - 1"
    return f"keras.losses.SparseCategoricalCrossentropy(ignore_class={wrong[0]})" if len(wrong) == 1 else None


def _fractions(name: str, target: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    """Only where a loss says that they are ids: it casts them, which cuts off what is behind the point."""
    rows = target.probes.get(_FRACTION)
    if rows is None or not rows.count or wishes.loss is None or not is_single(target):
        return
    yield Found(
        cause="label-out-of-range",
        severity="warning",
        component=name,
        summary=f"{rows.count:,} of {target.rows:,} rows of {name} are no whole numbers, and {wishes.loss.name} takes "
        "class ids: what is behind the point is cut off.",
        rows=rows,
        repair="Give class ids, or a loss for numbers (a regression).",
        drop=True,
    )


CHECK = Check(_examine, _probes)
