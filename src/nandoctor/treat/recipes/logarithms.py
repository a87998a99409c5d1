"""A logarithm whose operand reaches 0, or is below it: the exact form of what the operand is made of, or a floor.

A floor stands inside the logarithm and under the operand itself: a clip of `log(p)` makes the loss a constant, and one
of `p` from below is no guard for `1 - p`.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, default, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import references
from nandoctor.treat.site import Site
from nandoctor.treat.source import Splice

LOGARITHMS = ("log", "log1p", "log2", "log10", "xlogy")

_FLOORS = {"float16": ("1e-4", "1e-3"), "bfloat16": ("1e-4", "1e-3")}
_RESOLUTION = {"float16": "1e-4", "bfloat16": "1e-3"}


def stable(site: Site) -> Iterator[Proposal]:
    """`log(softmax(z))` -> `log_softmax(z)`, and of a sigmoid the same: from logits, where the file shows them."""
    draft = Draft(site)
    found = _logarithm(draft)
    if found is None or found.name != "log" or draft.family == "numpy":
        return
    code = _from_logits(draft, found.x)
    if code is not None:
        summary = "Take the logarithm of the probabilities from their logits, in one stable function."
        splices = [draft.source.put(found.node, code), *draft.imports]
        yield site.edit("loss-from-logits", summary, splices, safe=True)


def of_itself(site: Site) -> Iterator[Proposal]:
    """`p * log(p)` -> `xlogy(p, p)`, which is 0 at 0, in value and in slope."""
    draft = Draft(site)
    found = _logarithm(draft)
    product = None if found is None else draft.source.parent(found.node)
    if found is None or found.name != "log" or not isinstance(product, cst.BinaryOperation):
        return
    other = product.left if product.right is found.node else product.right
    if not isinstance(product.operator, cst.Multiply) or not draft.reader.same(other, found.x):
        return
    if draft.reader.spelling.word("tensorflow", "xlogy") is None:
        return
    code = draft.call("xlogy", draft.code(other), draft.code(found.x))
    summary = "Write p * log(p) as xlogy, which is 0 at 0."
    yield site.edit("xlogy", summary, [draft.source.put(product, code), *draft.imports], safe=True)


def floor(site: Site) -> Iterator[Proposal]:
    """`log(p)` -> `log(maximum(p, 1e-7))`; with it `log(1 - p)` of the same function, which is next to fail."""
    draft = Draft(site)
    found = _logarithm(draft)
    if found is None:
        yield from _passed_on(draft)
        return
    both = [found, *_complements(draft, found)]
    if len(both) > 1 and _floor(draft, found, 0)[1]:
        yield _with_floors(draft, [found], 0)  # exact, and of a sigmoid only 1 minus it is ever 0 in practice
    for level in range(2):
        yield _with_floors(draft, both, level)


def _passed_on(draft: Draft) -> Iterator[Proposal]:
    if splices := references.wrapped(draft, _guarded):
        summary = "Keep the argument of the logarithm inside its domain."
        yield draft.site.edit("floor-inside-log", summary, [*splices, *draft.imports])


def _guarded(draft: Draft, name: str, code: str, _: str) -> str | None:
    if name not in LOGARITHMS:
        return None
    return draft.call("maximum", code, "-1 + 1e-6" if name == "log1p" else "1e-7")


def _with_floors(draft: Draft, logarithms: list[Operation], level: int) -> Proposal:
    floors = [_floor(draft, operation, level) for operation in logarithms]
    splices = [_floored(draft, *pair) for pair in zip(logarithms, floors, strict=True)]
    safe = all(exact for _, exact in floors)
    summary = f"Keep the operand of the logarithm at {floors[0][0]} or above, inside the logarithm."
    return draft.site.edit("floor-inside-log", summary, [*splices, *draft.imports], safe=safe)


def _logarithm(draft: Draft) -> Operation | None:
    """The logarithm at the site; or the only one in the expression there."""
    own = draft.reader.named(draft.site.node, *LOGARITHMS)
    if own is not None:
        return own
    found = draft.reader.inside(draft.site.node, *LOGARITHMS)
    return found[0] if len(found) == 1 else None


def _floored(draft: Draft, found: Operation, floor: tuple[str, bool]) -> Splice:
    operand = found.y if found.name == "xlogy" else found.x
    return draft.source.put(operand, draft.call("maximum", draft.code(operand), floor[0]))


def _floor(draft: Draft, found: Operation, level: int) -> tuple[str, bool]:
    """How low an operand may go, and whether every other value stays as it was.

    What is 1 minus a number comes in steps of the dtype's resolution: a floor below one step is no change but at 0.
    """
    stats = draft.site.operand()
    dtype = "" if stats is None else stats.dtype
    if found.name == "log1p":
        return (("-1 + 1e-6", "-1 + 1e-3") if dtype == "float16" else ("-1 + 1e-6", "0.0"))[level], False
    if found.name == "log" and _one_minus(draft, found.x) is not None and level == 0:
        return _RESOLUTION.get(dtype, "1e-8"), True
    return _FLOORS.get(dtype, ("1e-7", "1e-12"))[level], False


def _complements(draft: Draft, found: Operation) -> list[Operation]:
    """The logarithm of 1 minus the same number (or of that number), where the function takes it too."""
    function = draft.source.function(found.node)
    if function is None or found.name != "log":
        return []
    others = [
        o for o in draft.reader.inside(function, "log") if o.node is not found.node and not _has_floor(draft, o.x)
    ]
    return [o for o in others if _complementary(draft, o.x, found.x) or _complementary(draft, found.x, o.x)]


def _has_floor(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether an operand is bounded from below already."""
    guard = draft.reader.named(draft.reader.value(node), "clip", "maximum")
    bound = None if guard is None else guard.args.get("low", guard.args.get("y"))
    if bound is None:
        return False
    given = default(draft.source, bound)
    return (number(draft.source, bound if given is None else given) or 0.0) > 0


def _complementary(draft: Draft, one: cst.BaseExpression, other: cst.BaseExpression) -> bool:
    whole = _one_minus(draft, one)
    return whole is not None and draft.reader.same(whole, other)


def _one_minus(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """p of `1.0 - p`."""
    difference = draft.reader.named(draft.reader.value(node), "subtract")
    one = None if difference is None else number(draft.source, difference.x)
    return difference.y if difference is not None and one == 1.0 else None


def _from_logits(draft: Draft, operand: cst.BaseExpression) -> str | None:
    """The logarithm of an operand that is a softmax, a sigmoid or 1 minus one."""
    reader = draft.reader
    made = reader.named(reader.value(operand), "softmax", "sigmoid")
    whole = _one_minus(draft, operand)
    if made is None and whole is not None:
        missed = reader.named(reader.value(whole), "sigmoid")
        return None if missed is None else f"-{draft.call('softplus', draft.code(missed.x))}"
    if made is None or not _in_reach(draft, made):
        return None
    if made.name == "sigmoid":
        return f"-{draft.call('softplus', f'-{draft.factor(made.x)}')}"
    axis = [f"axis={draft.code(made['axis'])}"] if "axis" in made.args else []
    if made.args.keys() - {"x", "axis"}:
        return None
    return draft.call("log_softmax", draft.code(made.x), *axis)


def _in_reach(draft: Draft, made: Operation) -> bool:
    """Whether the names in what a probability was made of still stand for the same at the site."""
    source, node = draft.source, draft.site.node
    names = {n.value for n in source.inside(made.x, cst.Name)}
    scope = source.function(node)
    if source.function(made.node) is not scope:
        return False
    between = source.span(made.node)[1], source.span(node)[0]
    for assignment in source.nodes(cst.Assign):
        targets = {n.value for t in assignment.targets for n in source.inside(t.target, cst.Name)}
        start = source.span(assignment)[0]
        if source.function(assignment) is scope and between[0] < start < between[1] and targets & names:
            return False
        if assignment.value is made.node and targets & names:  # p = softmax(p)
            return False
    return True
