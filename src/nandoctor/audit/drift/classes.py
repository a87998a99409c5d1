"""Classes that are new, have vanished, or have other shares."""

from __future__ import annotations

from collections.abc import Mapping

from nandoctor.audit.checks.targets import listed, target_kind
from nandoctor.audit.drift.chance import all_on_one_side, shares_differ, stability_index
from nandoctor.audit.drift.pair import Changes, Pair
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.findings import Fact

_MOST = 1000
"""Different whole numbers of a target that may be classes."""
_SHIFTED, _SOMEWHAT = 0.25, 0.1
"""Of the population stability index, as it is commonly judged."""
_TOLD = 6


def are_classes(pair: Pair) -> bool:
    """Whether it is a target of class ids, before and now."""
    kind = target_kind(pair.wishes)
    return kind in (None, "ids") and _has_ids(pair.was) and _has_ids(pair.now)


def _has_ids(component: ComponentProfile) -> bool:
    known = component.classes
    if component.role != "target" or known is None or not known.whole or known.many:
        return False
    return 0 < len(known.elements) <= _MOST


def classes(pair: Pair) -> Changes:
    """All that is said of them."""
    if are_classes(pair):
        yield from _new(pair)
        yield from _vanished(pair)
        yield from _shares(pair)


def _new(pair: Pair) -> Changes:
    """An id that the model has no output for is an error; of few rows that may be there by chance, nothing is said."""
    was, now = _elements(pair.was, pair), _elements(pair.now, pair)
    new = [k for k in now if k not in was]
    if pair.known is not None:
        beyond = [k for k in new if not 0 <= k < pair.known]
        if beyond:
            text = f"{pair.name} has {_ids(beyond)}, beyond the {pair.known:,} classes: there is no output for them."
            yield pair.drift("error", text, facts=_counts(beyond, pair.now))
        new = [k for k in new if k not in beyond]
    some = [k for k in new if all_on_one_side(_rows(pair.now, k), pair.rows[1], pair.rows[0])]
    if not some:
        return
    outside = pair.known is None and any(k > max(was) or k < 0 for k in some)
    more = f": a model for the {max(was) + 1:,} classes there has no output for them" if outside else ""
    text = f"{pair.name} has {_ids(some)}, which {pair.base} has not{more}."
    yield pair.drift("error" if outside else "warning", text, facts=_counts(some, pair.now))


def _vanished(pair: Pair) -> Changes:
    was, now = _elements(pair.was, pair), _elements(pair.now, pair)
    gone = [k for k in was if k not in now and all_on_one_side(_rows(pair.was, k), pair.rows[0], pair.rows[1])]
    if gone:
        text = f"{pair.name} has no row of {_ids(gone)}; {pair.base} has."
        yield pair.drift("warning", text, facts=_counts(gone, pair.was))


def _shares(pair: Pair) -> Changes:
    """Counts of elements are brought to as many as there are rows: the pixels of a mask go together."""
    ids = sorted(_elements(pair.was, pair).keys() & _elements(pair.now, pair).keys())
    if len(ids) < 2:
        return
    was, now = ([_part(c, k, rows) for k in ids] for c, rows in zip((pair.was, pair.now), pair.rows, strict=True))
    index = stability_index(was, now)
    if index < _SOMEWHAT or not shares_differ(was, now):
        return
    text = f"The classes of {pair.name} have other shares than in {pair.base}: the stability index is {index:.2f}"
    end = "; beyond 0.25 it is held to be another population." if index >= _SHIFTED else "."
    moved = sorted(ids, key=lambda k: -abs(_share(pair.now, k) - _share(pair.was, k)))[:_TOLD]
    facts = tuple(
        Fact(
            text=f"class {k}: {_share(pair.was, k):.1%} was, {_share(pair.now, k):.1%} is",
            values={"was": _share(pair.was, k), "now": _share(pair.now, k)},
        )
        for k in moved
    )
    yield pair.drift("warning" if index >= _SHIFTED else "note", text + end, facts=facts)


def _elements(component: ComponentProfile, pair: Pair) -> Mapping[int, int]:
    assert component.classes is not None
    return {k: n for k, n in component.classes.elements.items() if k != pair.wishes.ignored}


def _rows(component: ComponentProfile, k: int) -> int:
    assert component.classes is not None
    return min(component.classes.rows[k], component.readable)


def _share(component: ComponentProfile, k: int) -> float:
    assert component.classes is not None
    return component.classes.elements[k] / sum(component.classes.elements.values())


def _part(component: ComponentProfile, k: int, rows: int) -> int:
    assert component.classes is not None
    single = sum(component.classes.elements.values()) <= rows
    return component.classes.elements[k] if single else round(_share(component, k) * rows)


def _counts(ids: list[int], component: ComponentProfile) -> tuple[Fact, ...]:
    return tuple(
        Fact(text=f"class {k}: {_rows(component, k):,} rows", values={str(k): _rows(component, k)})
        for k in sorted(ids)[:_TOLD]
    )


def _ids(ids: list[int]) -> str:
    return f"class {ids[0]}" if len(ids) == 1 else f"classes {listed(ids)}"
