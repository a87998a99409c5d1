"""A quotient whose denominator comes out as 0, and the mean of nothing.

The guard stands at the denominator, or in a division that knows 0; a `where` around the quotient hides its value and
leaves its gradient NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from nandoctor.findings import TensorStats
from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import floors
from nandoctor.treat.site import Site
from nandoctor.treat.source import Splice

_HALF = {"float16": "1e-4", "bfloat16": "1e-4"}
_COUNTING = ("bincount", "unique", "count", "sum", "len", "value_counts", "count_nonzero", "histogram")


@dataclass(frozen=True)
class Quotient:
    """A division: the expression that is divided (None: it is in place), and by what."""

    node: cst.BaseExpression
    over: cst.BaseExpression | None
    under: cst.BaseExpression


def no_nan(site: Site) -> Iterator[Proposal]:
    """`a / b` -> `divide_no_nan(a, b)`; by a norm, the norm gets its floor first: its own slope is infinite at 0."""
    draft = Draft(site)
    found = _quotient(draft)
    if draft.reader.named(site.node, "rsqrt") is not None:
        yield from floors.inside(site)
    if found is None or draft.family == "numpy":
        return
    yield from _floored_norm(draft, found)
    yield from _divide_no_nan(draft, found, "divide-no-nan")


def floor(site: Site) -> Iterator[Proposal]:
    """`a / b` -> `a / maximum(b, 1e-7)`, where b is not negative; by its magnitude where it may be."""
    draft = Draft(site)
    found = _quotient(draft)
    if found is None:
        return
    yield from _floored_norm(draft, found)
    under, least = found.under, _least(site)
    code, stats = draft.code(under), _denominator_stats(site)
    negative = stats is not None and stats.min is not None and stats.min < 0
    if not negative:
        guarded = draft.call("maximum", code, least)
    elif isinstance(under, cst.Name):
        guarded = draft.call("where", f"{draft.call('abs', code)} > {least}", code, least)
    else:
        return
    summary = f"Keep the denominator at {least} or above."
    yield site.edit("floor-denominator", summary, [*_everywhere(draft, found, guarded), *draft.imports])


def floor_count(site: Site) -> Iterator[Proposal]:
    """`sum / count` -> `sum / maximum(count, 1.0)`; the mean of what may be nothing in the same way."""
    draft = Draft(site)
    mean = draft.reader.named(site.node, "mean")
    if mean is not None:
        yield from _mean_of_nothing(draft, mean)
        return
    found = _quotient(draft)
    if found is None:
        yield from _only_where_there_is_some(draft)
        return
    if not _is_share(draft, found):
        stats = _denominator_stats(site)
        one = "1" if stats is not None and stats.dtype.startswith(("int", "uint")) else "1.0"
        guarded = draft.call("maximum", draft.code(found.under), one)
        summary = "Divide by the count, the count at least 1: of nothing the mean is then 0."
        yield site.edit("count-with-floor", summary, [*_everywhere(draft, found, guarded), *draft.imports], safe=True)
    if draft.family != "numpy":
        yield from _divide_no_nan(draft, found, "count-with-floor")


def floor_divisor(site: Site) -> Iterator[Proposal]:
    """What NumPy divides before training: `a / b` -> a division that leaves 0 where b is 0, or `maximum(b, 1)`."""
    draft = Draft(site, data=True)
    found = _quotient(draft)
    if found is None or draft.family != "numpy":
        return
    over, under = found.over, found.under
    if _counts(draft, under):
        code = draft.call("maximum", draft.code(under), "1")
        summary = "Count at least 1 of each: what never occurs is divided by 1."
        yield site.edit("floor-divisor", summary, [draft.source.put(under, code), *draft.imports], from_start=True)
    if over is not None and _is_plain(under):
        name = draft.code(under)
        out = f"out={draft.call('zeros_like', name, 'dtype=float')}"
        code = draft.call("divide", draft.code(over), name, out, f"where={name} != 0")
        summary = "Leave the quotient 0 where the divisor is 0."
        splices = [draft.source.put(found.node, code), *draft.imports]
        yield site.edit("floor-divisor", summary, splices, safe=True, from_start=True)
    code = draft.call("maximum", draft.code(under), "1e-7")
    summary = "Keep the divisor at 1e-7 or above."
    yield site.edit("floor-divisor", summary, [draft.source.put(under, code), *draft.imports], from_start=True)


def floor_spread(site: Site) -> Iterator[Proposal]:
    """What is standardised by its own spread: what has none is divided by 1, and stays 0."""
    draft = Draft(site)
    found = _quotient(draft)
    if found is None:
        return
    if draft.before_training and draft.family == "numpy":
        yield from _one_for_none(draft, found)
    elif found.over is not None:
        yield from _divide_no_nan(draft, found, "floor-spread")
    guarded = draft.call("maximum", draft.code(found.under), _least(site))
    summary = f"Keep the spread at {_least(site)} or above."
    yield site.edit("floor-spread", summary, [*_everywhere(draft, found, guarded), *draft.imports])


def quotient_of(draft: Draft) -> Quotient | None:
    """The division at the site: of two operands, in place, a reciprocal; or the only one of a larger expression."""
    return _quotient(draft)


def _quotient(draft: Draft) -> Quotient | None:
    node = draft.site.node
    if (own := _as_quotient(draft, draft.reader.operation(node))) is not None:
        return own
    parent = draft.source.parent(node)
    if isinstance(parent, cst.AugAssign) and isinstance(parent.operator, cst.DivideAssign):
        return Quotient(node, None, node)
    inner = [_as_quotient(draft, o) for o in draft.reader.inside(node, "divide", "reciprocal")]
    return inner[0] if len(inner) == 1 else None


def _as_quotient(draft: Draft, operation: Operation | None) -> Quotient | None:
    if operation is None:
        return None
    if operation.name == "divide" and "y" in operation.args:
        return Quotient(operation.node, operation.x, operation.y)
    negative = operation.name == "power" and (number(draft.source, operation.y) or 0) < 0
    return Quotient(operation.node, None, operation.x) if negative or operation.name == "reciprocal" else None


def _least(site: Site) -> str:
    stats = site.operand()
    return _HALF.get("" if stats is None else stats.dtype, "1e-7")


def _denominator_stats(site: Site) -> TensorStats | None:
    origin = site.diagnosis.origin
    return site.operand(1 if origin is not None and origin.kind == "div" else 0)


def _everywhere(draft: Draft, found: Quotient, guarded: str) -> list[Splice]:
    """The guarded denominator, in each division of the function by the same name: the others are next to fail."""
    return [draft.source.put(quotient.under, guarded) for quotient in _alike(draft, found)]


def _alike(draft: Draft, found: Quotient) -> list[Quotient]:
    """The division, and the others of its function by the same name."""
    if not isinstance(found.under, cst.Name):
        return [found]
    function = draft.source.function(found.node)
    whole = draft.source.module if function is None else function
    others = [o for o in draft.reader.inside(whole, "divide") if draft.source.function(o.node) is function]
    same = [Quotient(o.node, o.x, o.y) for o in others if draft.code(o.y) == found.under.value]
    return [found, *(q for q in same if q.node is not found.node)]


def _divide_no_nan(draft: Draft, found: Quotient, remedy: str) -> Iterator[Proposal]:
    codes = [(quotient.node, _no_nan_code(draft, quotient)) for quotient in _alike(draft, found)]
    if codes[0][1] is None:
        return
    spans = [draft.source.span(node) for node, _ in codes]
    nested = any(a < c and d <= b for a, b in spans for c, d in spans)
    written = [(node, code) for node, code in codes[: 1 if nested else None] if code is not None]
    summary = "Divide so that a quotient by 0 is 0, in value and in slope."
    splices = [draft.source.put(node, code) for node, code in written]
    yield draft.site.edit(remedy, summary, [*splices, *draft.imports], safe=True)


def _no_nan_code(draft: Draft, quotient: Quotient) -> str | None:
    under = draft.code(quotient.under)
    if quotient.over is not None:
        return draft.call("divide_no_nan", draft.code(quotient.over), under)
    if draft.reader.named(quotient.node, "reciprocal") is None:  # x /= b, b ** -1
        return None
    return draft.call("divide_no_nan", draft.call("ones_like", under), under)


def _floored_norm(draft: Draft, found: Quotient) -> Iterator[Proposal]:
    """Where the denominator is made of norms or roots, their floor: it keeps the quotient and the slope finite."""
    roots = floors.roots_behind(draft, found.under)
    for floor in floors.floors(draft.site)[: 2 if roots else 0]:
        splices = [s for root in roots if (s := floors.floored(draft, root, floor)) is not None]
        if splices:
            summary = f"Divide by a norm that is kept away from 0, with {floor} inside its root."
            yield draft.site.edit("floor-inside-norm", summary, [*splices, *draft.imports], safe=True)


def _mean_of_nothing(draft: Draft, mean: Operation) -> Iterator[Proposal]:
    """`mean(x)` -> `sum(x) / maximum(size(x), 1)`; x gets a name above, where it is not one and there is room."""
    source, x = draft.source, mean.x
    if mean.args.keys() - {"x", "axis", "keepdims"}:
        return
    rest = [f"{name}={draft.code(value)}" for name, value in mean.args.items() if name != "x"]
    named = isinstance(x, cst.Name)
    above: list[Splice] = []
    code = draft.code(x)
    if not named and source.has_room_above(mean.node):
        code = source.fresh("selected")
        above = [source.before(mean.node, f"{code} = {_on_lines(draft, x)}")]
        named = True
    total = draft.call("sum", code, *rest)
    count = _count(draft, code, rest, named=named)
    summary = "Divide the sum by the count, the count at least 1: the mean of nothing is then 0."
    quotient = f"{total} / {draft.call('maximum', count, '1.0')}"
    splices = [source.put(mean.node, quotient), *above, *draft.imports]
    yield draft.site.edit("count-with-floor", summary, splices, safe=True)


def _count(draft: Draft, code: str, rest: list[str], *, named: bool) -> str:
    if draft.family == "tensorflow" and not rest and draft.has("size"):
        half = draft.site.half and named
        return draft.call("cast", draft.call("size", code), f"{code}.dtype" if half or named else draft.single)
    return draft.call("sum", draft.call("ones_like", code), *rest)


def _on_lines(draft: Draft, node: cst.BaseExpression) -> str:
    code = draft.code(node)
    return f"({code})" if "\n" in code and not isinstance(node, cst.Call) else code


def _only_where_there_is_some(draft: Draft) -> Iterator[Proposal]:
    """A loss of the framework's that is called with a selection: only where that has elements."""
    node = draft.site.node
    selections = draft.reader.inside(node, "boolean_mask")
    if not isinstance(node, cst.Call) or not selections or not draft.has("cond"):
        return
    size = draft.call("size", draft.code(selections[0].node))
    code = draft.call("cond", f"{size} > 0", f"lambda: {draft.code(node)}", f"lambda: {draft.call('zeros', '()')}")
    summary = "Compute the mean only where the selection has elements; of nothing it is 0."
    splices = [draft.source.put(node, code), *draft.imports]
    yield draft.site.edit("count-with-floor", summary, splices, safe=True)


def _is_share(draft: Draft, found: Quotient) -> bool:
    """Whether the denominator is a share of the elements, not their number: a floor of 1 would change it."""
    if draft.reader.named(draft.reader.value(found.under), "mean") is not None:
        return True
    stats = _denominator_stats(draft.site)
    return stats is not None and stats.max is not None and 0 < stats.max < 1


def _one_for_none(draft: Draft, found: Quotient) -> Iterator[Proposal]:
    """`np.where(std > 0, std, 1.0)`: in a line of its own above, so that what is divided later is right as well."""
    source, under = draft.source, found.under
    if not _is_plain(under):
        return
    name = draft.code(under)
    code = draft.call("where", f"{name} > 0", name, "1.0")
    summary = "Where there is no spread divide by 1: what is constant becomes 0."
    if isinstance(under, cst.Name) and source.is_own(under) and source.has_room_above(found.node):
        splices = [source.before(found.node, f"{name} = {code}")]
    else:
        splices = [source.put(under, code)]
    yield draft.site.edit("floor-spread", summary, [*splices, *draft.imports], safe=True)


def _is_plain(node: cst.BaseExpression) -> bool:
    """A name, or an attribute or item of one: writing it twice computes nothing twice."""
    if isinstance(node, (cst.Attribute, cst.Subscript)):
        return _is_plain(node.value)
    return isinstance(node, cst.Name)


def _counts(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether a divisor counts something, as far as the source says: by its name, or by what made it."""
    if "count" in draft.code(node).lower():
        return True
    value = draft.reader.value(node)
    return draft.reader.spelling.called(value) in _COUNTING
