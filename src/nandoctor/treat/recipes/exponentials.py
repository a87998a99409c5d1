"""An exponential beyond its dtype: the stable form of what it is part of, or a bound on the exponent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import references, shifts
from nandoctor.treat.site import Site
from nandoctor.treat.source import Splice

EXPONENTIALS = ("exp", "expm1", "cosh", "sinh")
_BOUNDS = {"float16": ("10.0", "5.0")}


def stable(site: Site) -> Iterator[Proposal]:
    """A softmax, logsumexp, softplus, sigmoid or logcosh that is written by hand -> the framework's own."""
    draft = Draft(site)
    exponential = _exponential(draft)
    if exponential is None or draft.family == "numpy":
        return
    forms = dict(_forms(draft, exponential))
    if forms:
        forms = dict(_elsewhere(draft, forms)) | forms
        summary = "Use the stable form of what the exponential is part of."
        splices = [draft.source.put(whole, code) for whole, code in forms.items()]
        splices += dict.fromkeys(_unused(draft, forms))
        yield site.edit("stable-form", summary, [*splices, *draft.imports], safe=True)
    yield from shifts.shifted(draft, exponential)


def bound(site: Site) -> Iterator[Proposal]:
    """`exp(x)` -> `exp(minimum(x, 80.0))`, and then lower: what is multiplied with it has to fit as well."""
    draft = Draft(site)
    exponential = _exponential(draft)
    stats = site.operand()
    for limit in _BOUNDS.get("" if stats is None else stats.dtype, ("80.0", "20.0")):
        if exponential is None:
            splices = references.wrapped(draft, _bounded, limit)
        else:
            bounded = _bounded(draft, exponential.name, draft.code(exponential.x), limit)
            splices = [] if bounded is None else [draft.source.put(exponential.x, bounded)]
        if splices:
            summary = f"Bound the exponent at {limit}."
            yield site.edit("bound-exponent", summary, [*splices, *draft.imports])


def _bounded(draft: Draft, name: str, code: str, limit: str) -> str | None:
    if name in ("cosh", "sinh"):
        return draft.call("clip", code, f"-{limit}", limit)
    return draft.call("minimum", code, limit) if name in EXPONENTIALS else None


def _exponential(draft: Draft) -> Operation | None:
    own = draft.reader.named(draft.site.node, *EXPONENTIALS)
    if own is not None:
        return own
    found = draft.reader.inside(draft.site.node, *EXPONENTIALS)
    return found[0] if len(found) == 1 else None


def _forms(draft: Draft, exponential: Operation) -> Iterator[tuple[cst.BaseExpression, str]]:
    """What the exponential is part of, and how its stable form is written."""
    for whole in _expressions(draft):
        operation = draft.reader.operation(whole)
        if operation is None:
            continue
        code = None
        if operation.name == "divide" and "y" in operation.args:
            code = _softmax(draft, operation, exponential) or _sigmoid(draft, operation, exponential)
        elif operation.name in ("log", "log1p"):
            code = _logarithm(draft, operation, exponential)
        if code is not None:
            yield whole, code


def _expressions(draft: Draft) -> Iterator[cst.BaseExpression]:
    """The expressions that may hold the exponential: those of its function, or of its statement in a bare script."""
    source, node = draft.source, draft.site.node
    function = source.function(node)
    part = source.module if function is None else function
    for found in source.expressions(part):
        if source.span(found)[1] > source.span(node)[0]:
            yield found


def _is(draft: Draft, node: cst.BaseExpression, exponential: Operation) -> bool:
    """Whether an expression is the exponential, or a name that stands for it."""
    value = draft.reader.value(node)
    return value is exponential.node or draft.reader.same(value, exponential.node)


def _softmax(draft: Draft, quotient: Operation, exponential: Operation) -> str | None:
    """`e / sum(e, axis=-1, keepdims=True)`."""
    if exponential.name != "exp" or not _is(draft, quotient.x, exponential):
        return None
    total = _total(draft, quotient.y)
    if total is None or not _is(draft, total.x, exponential) or "axis" not in total.args:
        return None
    return draft.call("softmax", draft.code(exponential.x), f"axis={draft.code(total['axis'])}")


def _total(draft: Draft, node: cst.BaseExpression) -> Operation | None:
    """The sum that a denominator is, with the axis that a subscript has put back."""
    value = draft.reader.value(node)
    opened = isinstance(value, cst.Subscript)
    if isinstance(value, cst.Subscript):
        value = draft.reader.value(value.value)
    total = draft.reader.named(value, "sum")
    if total is None:
        return None
    first = "axis" in total.args and number(draft.source, total["axis"]) == 0
    kept = "keepdims" in total.args and draft.code(total["keepdims"]) == "True"
    return total if kept or opened or first else None


def _sigmoid(draft: Draft, quotient: Operation, exponential: Operation) -> str | None:
    """`1 / (1 + exp(-x))`, and `exp(x) / (1 + exp(x))`."""
    if exponential.name != "exp" or not _is_one_plus(draft, quotient.y, exponential):
        return None
    if _is(draft, quotient.x, exponential):
        return draft.call("sigmoid", draft.code(exponential.x))
    sigmoid = draft.call("sigmoid", _negated(draft, exponential.x))
    return sigmoid if number(draft.source, quotient.x) == 1 else f"{draft.factor(quotient.x)} * {sigmoid}"


def _is_one_plus(draft: Draft, node: cst.BaseExpression, exponential: Operation) -> bool:
    total = draft.reader.named(draft.reader.value(node), "add")
    if total is None:
        return False
    pairs = ((total.x, total.y), (total.y, total.x))
    return any(number(draft.source, a) == 1 and _is(draft, b, exponential) for a, b in pairs)


def _negated(draft: Draft, node: cst.BaseExpression) -> str:
    first: cst.BaseExpression = node
    while isinstance(first, cst.BinaryOperation) and isinstance(first.operator, (cst.Multiply, cst.Divide)):
        first = first.left
    if isinstance(first, cst.UnaryOperation) and isinstance(first.operator, cst.Minus) and not first.lpar:
        return draft.code(node).removeprefix("-").lstrip()
    return f"-{draft.factor(node)}"


def _logarithm(draft: Draft, log: Operation, exponential: Operation) -> str | None:
    """`log(1 + exp(x))`, `log(sum(exp(x)))`, `log(cosh(x))`."""
    x = draft.code(exponential.x)
    if exponential.name == "cosh":
        if log.name != "log" or not _is(draft, log.x, exponential):
            return None
        size = draft.call("abs", x)
        return f"{size} + {draft.call('softplus', f'-2.0 * {size}')} - 0.6931471805599453"
    if exponential.name != "exp":
        return None
    if log.name == "log1p":
        return draft.call("softplus", x) if _is(draft, log.x, exponential) else None
    if _is_one_plus(draft, log.x, exponential):
        return draft.call("softplus", x)
    total = draft.reader.named(_without_epsilon(draft, log.x), "sum")
    if total is None or not _is(draft, total.x, exponential) or total.args.keys() - {"x", "axis", "keepdims"}:
        return None
    rest = [f"{name}={draft.code(value)}" for name, value in total.args.items() if name != "x"]
    return draft.call("logsumexp", x, *rest)


def _without_epsilon(draft: Draft, node: cst.BaseExpression) -> cst.BaseExpression:
    """A sum that a tiny number was added to, without that."""
    value = draft.reader.value(node)
    added = draft.reader.named(value, "add")
    if added is None:
        return value
    epsilon = number(draft.source, added.y)
    return draft.reader.value(added.x) if epsilon is not None and abs(epsilon) < 1e-3 else value


def _elsewhere(draft: Draft, forms: Mapping[cst.BaseExpression, str]) -> Iterator[tuple[cst.BaseExpression, str]]:
    """The stable forms of the other exponentials of the function: they are next to fail."""
    taken = [draft.source.span(whole) for whole in forms]
    function = draft.source.function(draft.site.node)
    others = draft.reader.inside(draft.source.module if function is None else function, *EXPONENTIALS)
    for exponential in others:
        for whole, code in _forms(draft, exponential):
            start, end = draft.source.span(whole)
            if all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                yield whole, code


def _unused(draft: Draft, forms: Mapping[cst.BaseExpression, str]) -> Iterator[Splice]:
    """Without the lines above that only made what the stable forms no longer take."""
    source = draft.source
    function = source.function(draft.site.node)
    gone = [source.span(whole) for whole in forms]
    pending = [(name, whole) for whole in forms for name in source.inside(whole, cst.Name)]
    while pending:
        name, place = pending.pop()
        made = source.assignment(name.value, place)
        if made is None or source.function(made) is not function or not _is_step(draft, made.value):
            continue
        span = source.span(made)
        reads = source.reads(name.value, function)
        if span not in gone and all(any(a <= source.span(n)[0] < b for a, b in gone) for n in reads):
            gone.append(span)
            yield source.without(made)
            pending += [(inner, place) for inner in source.inside(made.value, cst.Name)]


def _is_step(draft: Draft, value: cst.BaseExpression) -> bool:
    """Whether a name was given an exponential, or a sum of such: a part of what was written by hand."""
    return draft.reader.named(value, "exp", "sum", "add") is not None
