"""A floor inside a function whose value or slope is infinite at 0: under a root, a norm, a spread, a power, an angle.

A floor is a maximum: above it nothing changes, not by a rounding, and below it the gradient is 0. A sum with an epsilon
changes every value, and where the epsilon is below the dtype's resolution it changes none. It must stand inside: a root
is multiplied by its infinite slope before anything outside it is seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import references
from nandoctor.treat.site import Site
from nandoctor.treat.source import Splice

_SINGLE = ("1e-12", "1e-7")
_BY_DTYPE = {"float16": ("6e-5", "1e-3"), "bfloat16": ("1e-7", "1e-4")}
_INSIDE = {"float16": "1e-3", "bfloat16": "1e-2"}

ROOTS = ("sqrt", "rsqrt", "norm", "std")
SINGULAR = (*ROOTS, "power", "acos", "asin", "acosh", "atan2")
_REMEDIES = ("floor-inside-root", "floor-inside-norm", "floor-inside-power", "clip-inside-domain", "nonzero-argument")
_EUCLIDEAN = frozenset({"None", "2", "2.0", "'euclidean'", '"euclidean"', "'fro'", '"fro"'})


def floors(site: Site) -> tuple[str, ...]:
    """Floors that the dtype of the operation holds as normal numbers, the smallest first."""
    stats = site.operand()
    return _BY_DTYPE.get("" if stats is None else stats.dtype, _SINGLE)


def inside(site: Site) -> Iterator[Proposal]:
    """`sqrt(s)` -> `sqrt(maximum(s, 1e-12))`; a norm, a spread, a power and an angle in the same way."""
    draft = Draft(site)
    singular = _singular(draft)
    if not singular:
        yield from _passed_on(draft)
        return
    for floor in floors(site):
        splices = [s for operation in singular if (s := floored(draft, operation, floor)) is not None]
        if splices:
            kinds = {_kind(draft, operation) for operation in singular}
            yield site.edit(
                _remedy(site, kinds), _summary(kinds, floor), [*splices, *draft.imports], safe=_is_safe(kinds)
            )


def _passed_on(draft: Draft) -> Iterator[Proposal]:
    for floor in floors(draft.site):
        if splices := references.wrapped(draft, _guarded, floor):
            summary = f"Keep the argument at {floor} or above, or inside the domain."
            yield draft.site.edit("floor-inside-root", summary, [*splices, *draft.imports])


def _guarded(draft: Draft, name: str, code: str, floor: str) -> str | None:
    """The argument of a function of one, with what keeps it away from its singular point."""
    edge = _edge(draft)
    if name in ("sqrt", "rsqrt"):
        return draft.call("maximum", code, floor)
    if name == "acosh":
        return draft.call("maximum", code, f"1 + {edge}")
    return draft.call("clip", code, f"-1 + {edge}", f"1 - {edge}") if name in ("acos", "asin") else None


def floored(draft: Draft, operation: Operation, floor: str) -> Splice | None:
    """The operation with a floor where its slope is infinite; None where it cannot be written so."""
    if operation.name in ("sqrt", "rsqrt"):
        return _root(draft, operation, floor)
    if operation.name in ("norm", "std"):
        code = written_out(draft, operation)
        return None if code is None else draft.source.put(operation.node, _floored_root(draft, code, floor))
    if operation.name == "power":
        return _power(draft, operation, floor)
    if operation.name == "atan2":
        return _angle(draft, operation)
    argument = _guarded(draft, operation.name, draft.code(operation.x), floor)
    return None if argument is None else draft.source.put(operation.x, argument)


def written_out(draft: Draft, operation: Operation) -> str | None:
    """What a norm or a standard deviation takes the root of: a sum of squares, a variance."""
    rest = dict(operation.args)
    rest.pop("x")
    if operation.name == "std":
        known = {"axis", "keepdims", "ddof"} if draft.family == "numpy" else {"axis", "keepdims"}
        return draft.call("variance", draft.code(operation.x), *_named(draft, rest)) if rest.keys() <= known else None
    order = rest.pop("ord", None)
    if not rest.keys() <= {"axis", "keepdims"} or (order is not None and draft.code(order) not in _EUCLIDEAN):
        return None
    return draft.call("sum", draft.call("square", draft.code(operation.x)), *_named(draft, rest))


def _root(draft: Draft, operation: Operation, floor: str) -> Splice:
    """Of a root of a root's kind: where its operand is floored already, that floor is raised."""
    operand = operation.x
    inner = draft.reader.named(operand, "maximum")
    if inner is not None and (old := number(draft.source, inner.y)) is not None and 0 <= old < float(floor):
        operand = inner.x
        return draft.source.put(operation.x, draft.call("maximum", draft.code(operand), floor))
    return draft.source.put(operand, draft.call("maximum", draft.code(operand), floor))


def _power(draft: Draft, operation: Operation, floor: str) -> Splice | None:
    exponent = number(draft.source, operation.y)
    if exponent is not None and exponent >= 1 and exponent == int(exponent):
        return None
    return draft.source.put(operation.x, draft.call("maximum", draft.code(operation.x), floor))


def _angle(draft: Draft, operation: Operation) -> Splice:
    """Only where both are 0 the angle has no slope: there, as before, it is that of a point on the right."""
    x, y = draft.code(operation.x), draft.code(operation.y)
    length = f"{draft.call('square', x)} + {draft.call('square', y)}"
    return draft.source.put(operation.x, draft.call("where", f"{length} > 0", x, draft.call("ones_like", x)))


def _floored_root(draft: Draft, code: str, floor: str) -> str:
    return draft.call("sqrt", draft.call("maximum", code, floor))


def _named(draft: Draft, arguments: dict[str, cst.BaseExpression]) -> list[str]:
    return [f"{name}={draft.code(value)}" for name, value in arguments.items()]


def _edge(draft: Draft) -> str:
    stats = draft.site.operand()
    return _INSIDE.get("" if stats is None else stats.dtype, "1e-6")


def _singular(draft: Draft) -> list[Operation]:
    """The operation at the site or, where the place is a larger expression, those in it."""
    own = draft.reader.named(draft.site.node, *SINGULAR)
    if own is not None:
        return [own]
    found = [
        o for o in draft.reader.inside(draft.site.node, *SINGULAR) if o.name != "power" or _is_fractional(draft, o)
    ]
    return found or roots_behind(draft, draft.site.node)


def roots_behind(draft: Draft, node: cst.BaseExpression) -> list[Operation]:
    """The roots that a node is computed with, in it or where a name in it was assigned."""
    found = draft.reader.inside(node, *ROOTS)
    for name in draft.source.inside(node, cst.Name):
        value = draft.reader.value(name)
        if value is not name and draft.source.function(value) is draft.source.function(node):
            found += draft.reader.inside(value, *ROOTS)
    halves = [o for o in draft.reader.inside(node, "power") if _is_fractional(draft, o)]
    return [*found, *halves]


def _is_fractional(draft: Draft, operation: Operation) -> bool:
    exponent = number(draft.source, operation.y)
    return exponent is not None and exponent != int(exponent)


def _kind(draft: Draft, operation: Operation) -> str:
    """What a reader calls it: a power of one half is a root."""
    half = operation.name == "power" and number(draft.source, operation.y) in (0.5, -0.5)
    return "sqrt" if half else operation.name


def _remedy(site: Site, kinds: set[str]) -> str:
    """What the cause calls it: a norm, to the framework, is a root."""
    own = "floor-inside-root"
    if kinds & {"acos", "asin", "acosh"}:
        own = "clip-inside-domain"
    elif "norm" in kinds:
        own = "floor-inside-norm"
    elif "power" in kinds:
        own = "floor-inside-power"
    named = [t.remedy for t in site.diagnosis.treatments if t.remedy in _REMEDIES]
    return own if own in named or not named else named[0]


def _summary(kinds: set[str], floor: str) -> str:
    if kinds & {"acos", "asin", "acosh"}:
        return "Clip the argument strictly inside the domain: at its ends the slope is infinite."
    if "atan2" in kinds:
        return (
            "Where both arguments are 0, give the second another value: the angle is the same there, its slope is not."
        )
    if "norm" in kinds:
        return f"Write the norm out, its sum of squares at {floor} or above, inside the root."
    if "std" in kinds:
        return f"Write the spread as the root of the variance, which is kept at {floor} or above."
    what = "base of the power" if "power" in kinds else "argument of the root"
    return f"Keep the {what} at {floor} or above, inside it."


def _is_safe(kinds: set[str]) -> bool:
    """A root of the floor is as good as 0; a power of it may not be, and an angle inside is another one."""
    return not kinds & {"power", "acos", "asin", "acosh"}
