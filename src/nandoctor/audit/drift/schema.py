"""Components, roles, dtypes, shapes and columns that are not what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from nandoctor.audit.drift.chance import all_on_one_side
from nandoctor.audit.drift.pair import Changes, Pair
from nandoctor.audit.profile.component import ComponentProfile, Form
from nandoctor.audit.profile.rows import NAMED, Rows

_TOLD = 6
_IMAGE = 4
"""Most channels of an image."""


def roles(pair: Pair) -> Changes:
    """What was an input is a target now."""
    if pair.was.role != pair.now.role:
        yield pair.drift("warning", f"{pair.name} is of role {pair.now.role}; in {pair.base} it is of {pair.was.role}.")


def columns(pair: Pair) -> Changes:
    """By their names, where both have some."""
    was, now = pair.was.names, pair.now.names
    if not was or not now or was == now:
        return
    missing = tuple(name for name in was if name not in now)
    new = tuple(name for name in now if name not in was)
    if missing:
        text = f"{pair.name} lacks {_listed(missing)}, which {pair.base} has."
        yield pair.drift("error", text, names=missing)
    if new:
        text = f"{pair.name} has {_listed(new)}, which {pair.base} has not."
        yield pair.drift("warning", text, names=new)
    if not missing and not new:
        text = f"{pair.name} has its columns in another order than {pair.base}: {_listed(now)}; there {_listed(was)}."
        yield pair.drift("error", text)


def dtypes(pair: Pair) -> Changes:
    """Numbers of another kind; of the same kind but another width, it is a note."""
    was, now = _each(pair.was, _dtype), _each(pair.now, _dtype)
    kinds = {_kind(name) for name in was}
    for name, rows in now.items():
        if name in was or not _is_change(rows, was, now, pair):
            continue
        text = f"{_some(rows, pair)} of {pair.name} are {name}; in {pair.base} they are {_listed(was)}."
        yield pair.drift("note" if _kind(name) in kinds else "warning", text, rows=rows)


def shapes(pair: Pair) -> Changes:
    """Rows of another shape than the one that all had; of rows of many shapes, other axes or channels."""
    alike = _shape if len(_each(pair.was, _shape)) == 1 else _axes
    was, now = _each(pair.was, alike), _each(pair.now, alike)
    for name, rows in now.items():
        if name not in was and _is_change(rows, was, now, pair):
            text = f"{_some(rows, pair)} of {pair.name} have {name}; in {pair.base} they have {_listed(was)}."
            yield pair.drift("warning", text, rows=rows)


def _is_change(rows: Rows, was: dict[str, Rows], now: dict[str, Rows], pair: Pair) -> bool:
    """No row is as it was; or so many are not, that this is no chance."""
    return bool(was) and (not was.keys() & now.keys() or all_on_one_side(rows.count, pair.rows[1], pair.rows[0]))


def _each(component: ComponentProfile, told: Callable[[Form], str]) -> dict[str, Rows]:
    """The rows of each shape or dtype."""
    found: dict[str, list[Rows]] = {}
    for form, rows in component.forms.items():
        found.setdefault(told(form), []).append(rows)
    return {name: _together(rows) for name, rows in found.items()}


def _together(several: list[Rows]) -> Rows:
    first = np.sort(np.concatenate([rows.first for rows in several]))[:NAMED]
    return Rows(sum(rows.count for rows in several), first)


def _dtype(form: Form) -> str:
    return form[1]


def _kind(dtype: str) -> str:
    kind = "f" if dtype == "bfloat16" else np.dtype(dtype).kind
    return "i" if kind == "u" else kind


def _shape(form: Form) -> str:
    return f"the shape {form[0]}"


def _axes(form: Form) -> str:
    """How many axes, and of images how many channels."""
    shape = form[0]
    if len(shape) == 3 and shape[-1] <= _IMAGE:
        return f"3 axes, the last of {shape[-1]}"
    return f"{len(shape)} axes" if len(shape) != 1 else "1 axis"


def _some(rows: Rows, pair: Pair) -> str:
    return f"{rows.count:,} of {pair.rows[1]:,} rows"


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _TOLD:,} more" if len(known) > _TOLD else ""
    return ", ".join(known[:_TOLD]) + more
