"""A function that a `where` hides at its singular point: its argument is made safe first, then the result is chosen.

Both branches of a `where` are differentiated, and 0 times the infinite slope of the one not taken is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import exponentials, floors, logarithms, quotients
from nandoctor.treat.site import Site
from nandoctor.treat.source import Splice

_REDUCING = frozenset(
    {"sum", "mean", "max", "min", "norm", "std", "variance", "softmax", "log_softmax", "boolean_mask"}
)
_MIXING = frozenset({"matmul", "einsum", "tensordot", "dot", "concat", "concatenate", "stack", "gather", "reshape"})
_HARMLESS_AT_0 = frozenset({"acos", "asin", "atanh", "exp", "expm1", "cosh", "sinh"})


@dataclass(frozen=True)
class Hiding:
    """The `where` that does not take the bad elements: its condition, and on which side the branch is."""

    where: Operation
    taken: bool

    @property
    def condition(self) -> cst.BaseExpression:
        return self.where["condition"]


def double_where(site: Site) -> Iterator[Proposal]:
    """`where(c, f(x), y)` -> `where(c, f(where(c, x, 1.0)), y)`; failing that, a floor inside f."""
    draft = Draft(site)
    function = _function(draft)
    hiding = None if function is None else _hiding(draft, function.node)
    if function is not None and hiding is not None:
        both = [(function, hiding), *_in_other_branch(draft, function, hiding)]
        splices = [s for pair in both if (s := _safe_argument(draft, *pair)) is not None]
        if splices:
            summary = "Make the argument safe before the function, then select the result."
            yield site.edit("double-where", summary, [*splices, *draft.imports], safe=True)
    yield from _floor(site, draft, function)


def _function(draft: Draft) -> Operation | None:
    """The operation at the site that has the singular point."""
    kinds = (*floors.SINGULAR, *logarithms.LOGARITHMS, *exponentials.EXPONENTIALS, "divide", "reciprocal", "atanh")
    own = draft.reader.named(draft.site.node, *kinds)
    if own is not None:
        return own
    found = draft.reader.inside(draft.site.node, *kinds)
    return found[0] if len(found) == 1 else None


def _in_other_branch(draft: Draft, function: Operation, hiding: Hiding) -> Iterator[tuple[Operation, Hiding]]:
    """The same function in the other branch of the same `where`: what the one hides, the other has."""
    scope = draft.source.function(function.node)
    for other in draft.reader.inside(draft.source.module if scope is None else scope, function.name):
        found = _hiding(draft, other.node)
        if found is not None and found.where.node is hiding.where.node and found.taken is not hiding.taken:
            yield other, found


def _hiding(draft: Draft, node: cst.BaseExpression) -> Hiding | None:
    """The `where` around a node, or around the name that it was given to."""
    source = draft.source
    for outer in source.around(node):
        where = draft.reader.named(outer, "where")
        if where is not None and {"condition", "x", "y"} <= where.args.keys():
            return _branch(draft, where, node)
        if draft.reader.spelling.called(outer) in _MIXING or draft.reader.named(outer, *_REDUCING) is not None:
            return None  # of another shape than the condition
        if isinstance(outer, cst.Assign):
            return _hiding_name(draft, outer)
        if isinstance(outer, (cst.BaseStatement, cst.Lambda)):
            return None
    return None


def _branch(draft: Draft, where: Operation, node: cst.CSTNode) -> Hiding | None:
    start, end = draft.source.span(node)
    for name, taken in (("x", True), ("y", False)):
        first, last = draft.source.span(where[name])
        if first <= start and end <= last:
            return Hiding(where, taken)
    return None


def _hiding_name(draft: Draft, assignment: cst.Assign) -> Hiding | None:
    """`y = f(x)` above, `where(c, y, 0)` below, where the condition is known above already."""
    source, target = draft.source, assignment.targets[0].target
    scope = source.function(assignment)
    if not isinstance(target, cst.Name):
        return None
    for read in source.reads(target.value, scope):
        if source.span(read)[0] < source.span(assignment)[1]:
            continue
        found = _hiding(draft, read)
        if found is not None and _is_known(draft, found.condition, assignment, scope):
            return found
    return None


def _is_known(
    draft: Draft, condition: cst.BaseExpression, assignment: cst.Assign, scope: cst.FunctionDef | None
) -> bool:
    """Whether nothing in a condition is assigned only after a statement (itself included)."""
    source = draft.source
    names = {n.value for n in source.inside(condition, cst.Name)}
    start = source.span(assignment)[0]
    later = [a for a in source.nodes(cst.Assign) if source.function(a) is scope and source.span(a)[0] >= start]
    late = {n.value for a in later for t in a.targets for n in source.inside(t.target, cst.Name)}
    return not names & (late - _assigned_before(draft, start, scope)) and not names & _own(draft, assignment)


def _assigned_before(draft: Draft, start: int, scope: cst.FunctionDef | None) -> set[str]:
    source = draft.source
    earlier = [a for a in source.nodes(cst.Assign) if source.function(a) is scope and source.span(a)[0] < start]
    return {n.value for a in earlier for t in a.targets for n in source.inside(t.target, cst.Name)}


def _own(draft: Draft, assignment: cst.Assign) -> set[str]:
    return {n.value for t in assignment.targets for n in draft.source.inside(t.target, cst.Name)}


def _safe_argument(draft: Draft, function: Operation, hiding: Hiding) -> Splice | None:
    condition = draft.code(hiding.condition)
    if function.name in ("norm", "std"):
        inner = floors.written_out(draft, function)
        return (
            None
            if inner is None
            else draft.source.put(
                function.node, draft.call("sqrt", _chosen(draft, condition, inner, "1.0", hiding.taken))
            )
        )
    operand = function.y if function.name in ("divide", "xlogy") else function.x
    if number(draft.source, operand) is not None:
        return None
    fill = "0.0" if function.name in _HARMLESS_AT_0 else "1.0"
    return draft.source.put(operand, _chosen(draft, condition, draft.code(operand), fill, hiding.taken))


def _chosen(draft: Draft, condition: str, code: str, fill: str, taken: bool) -> str:
    if draft.word("where").endswith(".switch"):  # K.switch takes tensors alone
        fill = draft.call("ones_like" if fill == "1.0" else "zeros_like", code)
    return draft.call("where", condition, *((code, fill) if taken else (fill, code)))


def _floor(site: Site, draft: Draft, function: Operation | None) -> Iterator[Proposal]:
    """The floor that the function would have without a `where`."""
    if function is None:
        return
    if function.name in ("divide", "reciprocal"):
        yield from quotients.no_nan(site)
    elif function.name in logarithms.LOGARITHMS:
        yield from logarithms.floor(site)
    elif function.name in exponentials.EXPONENTIALS:
        yield from exponentials.bound(site)
    else:
        yield from floors.inside(site)
