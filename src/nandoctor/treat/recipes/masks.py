"""A softmax over positions that are all masked with -inf: a finite mask, at the constant or over the scores."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes.precision import is_layer
from nandoctor.treat.site import Site, argument
from nandoctor.treat.source import Splice

_CROSS_ENTROPIES = ("softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits")
_INFINITIES = frozenset({'float("inf")', "float('inf')", 'float("infinity")', "float('infinity')"})
_NEGATIVE = frozenset({'float("-inf")', "float('-inf')", 'float("-infinity")', "float('-infinity')"})


def finite(site: Site) -> Iterator[Proposal]:
    """`-inf` -> `-1e9` where the scores are masked, and `softmax(scores)` -> `softmax(maximum(scores, -1e9))`."""
    draft = Draft(site)
    scores, lowest = _scores(draft), _lowest(site)
    if scores is None and not _is_softmax_layer(draft):
        return
    near = _infinities(draft)
    everywhere = [n for n in draft.source.expressions(draft.source.module) if _is_minus_infinity(draft, n)]
    summary = f"Mask with {lowest} in place of -inf: a row that is masked throughout is then uniform."
    if near:
        yield site.edit("finite-mask", summary, [draft.source.put(node, lowest) for node in near], safe=True)
    if scores is not None:
        code = draft.call("maximum", draft.code(scores), lowest)
        splices = [*_floored(draft, scores, code), *draft.imports]
        floor = f"Keep the scores at {lowest} or above: a row that is masked throughout is then uniform."
        yield site.edit("finite-mask", floor, splices, safe=True)
    if everywhere and not near:
        yield site.edit("finite-mask", summary, [draft.source.put(node, lowest) for node in everywhere], safe=True)


def _is_softmax_layer(draft: Draft) -> bool:
    """Whether the layer that is made at the site is a softmax: its scores stand elsewhere."""
    node = draft.site.node
    made = node.func if isinstance(node, cst.Call) and isinstance(node.func, cst.Call) else node
    return isinstance(made, cst.Call) and "softmax" in draft.code(made).lower() and is_layer(draft, made)


def _lowest(site: Site) -> str:
    stats = site.operand()
    return "-1e4" if stats is not None and stats.dtype == "float16" else "-1e9"


def _scores(draft: Draft) -> cst.BaseExpression | None:
    """What the softmax at the site is taken over; of one written by hand, what the maximum is subtracted from."""
    node = draft.site.node
    found = draft.reader.named(node, "softmax", "log_softmax", "subtract")
    if found is None:
        inner = draft.reader.inside(node, "softmax", "log_softmax")
        found = inner[0] if len(inner) == 1 else None
    if found is not None:
        return found.x
    if not isinstance(node, cst.Call):
        return None
    if draft.reader.spelling.called(node) in _CROSS_ENTROPIES:
        return argument(node, 1, "logits")
    layer = draft.reader.spelling.called(node.func)  # layers.Softmax()(scores)
    return argument(node, 0, "inputs") if layer == "Softmax" else None


def _floored(draft: Draft, scores: cst.BaseExpression, code: str) -> list[Splice]:
    """Each time the scores stand in the expression at the site: a softmax written by hand has them twice."""
    written = draft.code(scores)
    places: list[cst.BaseExpression] = []
    for node in draft.source.expressions(draft.site.node):
        if draft.code(node) == written and not any(_within(draft, node, place) for place in places):
            places.append(node)
    return [draft.source.put(node, code) for node in places]


def _within(draft: Draft, node: cst.BaseExpression, place: cst.BaseExpression) -> bool:
    (a, b), (c, d) = draft.source.span(node), draft.source.span(place)
    return c <= a and b <= d


def _infinities(draft: Draft) -> list[cst.BaseExpression]:
    """The -inf constants that the scores were masked with, in them or where their names were assigned."""
    pending, seen, found = [draft.site.node], set[int](), list[cst.BaseExpression]()
    while pending and len(seen) < 20:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for part in draft.source.expressions(node):
            if _is_minus_infinity(draft, part) and not any(_within(draft, part, other) for other in found):
                found.append(part)
            if isinstance(part, cst.Name):
                value = draft.source.assigned(part.value, part)
                pending += [] if value is None else [value]
    return found


def _is_minus_infinity(draft: Draft, node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        full = draft.reader.spelling.full_name(node.expression) or ""
        return full.rpartition(".")[2] in ("inf", "Inf", "infty") or draft.code(node.expression) in _INFINITIES
    full = draft.reader.spelling.full_name(node) or ""
    return draft.code(node) in _NEGATIVE or full.rpartition(".")[2] == "NINF"
