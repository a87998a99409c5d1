"""Arithmetic of NumPy, before training, that makes NaN or infinity of finite numbers: guarded at that line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import quotients
from nandoctor.treat.site import Site
from nandoctor.treat.values import written

_LOGS = ("log", "log2", "log10")
_COUNTS = ("sum(", "count", "len(", "bincount", "occurs", "frequenc", "positive", "negative", "total")


def finite(site: Site) -> Iterator[Proposal]:
    """Of data: the quotient, the logarithm or the root at the site with its guard."""
    yield from _guarded(site, "finite-arithmetic")


def initial_value(site: Site) -> Iterator[Proposal]:
    """Of an initial weight: the same where its value is computed, also behind the names that it goes by."""
    for place in (site, *_behind(site)):
        found = list(_guarded(place, "finite-initial-value"))
        yield from found
        if found:
            return


def _behind(site: Site) -> Iterator[Site]:
    """What the names in the expression were given."""
    for node in site.source.expressions(site.node):
        if isinstance(node, (cst.Name, cst.Attribute)):
            made = written(site.source, node)
            if made is not node and not isinstance(made, (cst.BaseNumber, cst.BaseString)):
                yield replace(site, node=made)


def _guarded(site: Site, remedy: str) -> Iterator[Proposal]:
    draft = Draft(site, data=True)
    for operation in _operations(draft):
        place = replace(site, node=operation.node)
        forms = _of_log(place, operation) if operation.name in _LOGS else _of_root(place, operation)
        if operation.name == "divide":
            forms = quotients.floor_divisor(place)
        found = [replace(form, remedy=remedy, from_start=True) for form in forms]
        yield from found
        if found:
            return


def _operations(draft: Draft) -> list[Operation]:
    """The one at the site first, then those in it."""
    kinds = (*_LOGS, "sqrt", "power", "divide")
    own = draft.reader.named(draft.site.node, *kinds)
    inner = [o for o in draft.reader.inside(draft.site.node, *kinds) if own is None or o.node is not own.node]
    return [*([] if own is None else [own]), *inner]


def _of_log(site: Site, log: Operation) -> Iterator[Proposal]:
    """Counts are smoothed; else what is 0 or below counts as the smallest value above 0."""
    draft, source, x = Draft(site, data=True), site.source, log.x
    quotient = draft.reader.named(draft.reader.value(x), "divide")
    if quotient is not None and "y" in quotient.args and _counts(draft, quotient):
        splices = [source.put(side, f"{draft.factor(side)} + 1") for side in (quotient.x, quotient.y)]
        splices = [replace(s, code=s.code if s.code.startswith("(") else f"({s.code})") for s in splices]
        yield site.edit("", "Add 1 to each count before the logarithm is taken.", splices, from_start=True)
    if isinstance(x, cst.Name):
        above, name = [], x.value
    elif source.has_room_above(log.node):
        name = source.fresh("values")
        above = [source.before(log.node, f"{name} = {draft.code(x)}")]
    else:
        return
    code = draft.call("maximum", name, f"{name}[{name} > 0].min()")
    summary = "Let what is 0 count as the smallest value above 0 in the logarithm."
    yield site.edit("", summary, [source.put(x, code), *above, *draft.imports], safe=True, from_start=True)
    low = draft.call("maximum", name, "1e-7")
    yield site.edit(
        "",
        "Keep the argument of the logarithm at 1e-7 or above.",
        [source.put(x, low), *above, *draft.imports],
        from_start=True,
    )


def _of_root(site: Site, root: Operation) -> Iterator[Proposal]:
    """What is below 0 under a root counts as 0; under a negative power a floor keeps it from 0."""
    draft = Draft(site, data=True)
    exponent = number(site.source, root.y) if "y" in root.args else 0.5
    if exponent is None or (exponent == round(exponent) and exponent > 0):
        return
    floor = "1e-7" if exponent < 0 else "0.0"
    code = draft.call("maximum", draft.code(root.x), floor)
    summary = f"Keep what the root is taken of at {floor} or above."
    yield site.edit("", summary, [site.source.put(root.x, code), *draft.imports], safe=exponent > 0, from_start=True)


def _counts(draft: Draft, quotient: Operation) -> bool:
    """Whether the two sides of a quotient count something, as far as their names and what made them say."""
    texts = [draft.code(node) for side in (quotient.x, quotient.y) for node in (side, draft.reader.value(side))]
    return any(word in text.lower() for text in texts for word in _COUNTS)
