"""The same remedies with nandoctor's own operations, for a user who asks for them: each has its safe twin in `ops`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import floors
from nandoctor.treat.site import Site

_IMPORT = "from nandoctor import ops as safe_ops"
_SAME = {"log": "log", "sqrt": "sqrt", "acos": "acos"}
_TWO = {"power": "power", "xlogy": "xlogy", "divide": "divide", "divide_no_nan": "divide"}

Recipe = Callable[[Site], Iterator[Proposal]]


def or_safe(recipe: Recipe) -> Recipe:
    """A recipe whose first form is the safe twin, where the style asks for that."""

    def written(site: Site) -> Iterator[Proposal]:
        if site.style == "nandoctor":
            yield from twin(site)
        yield from recipe(site)

    return written


def twin(site: Site) -> Iterator[Proposal]:
    """The operation at the site as `safe_ops` has it; nothing for what is computed before training."""
    draft = Draft(site)
    if draft.before_training or draft.family == "numpy":
        return
    found = _twin(draft)
    if found is not None:
        node, code = found
        draft.importing(_IMPORT)
        summary = "Use nandoctor's operation, whose value and slope are finite everywhere."
        splices = [draft.source.put(node, code), *draft.imports]
        yield site.edit("safe-numerics", summary, splices, safe=True)


def _twin(draft: Draft) -> tuple[cst.BaseExpression, str] | None:
    operation = draft.reader.operation(draft.site.node)
    if operation is None:
        return None
    outer = _normalised(draft, operation) or _masked_mean(draft, operation) or _stable(draft, operation)
    if outer is not None:
        return outer
    code = _plain(draft, operation) or _reduced(draft, operation) or _masked_softmax(draft, operation)
    return None if code is None else (operation.node, code)


def _plain(draft: Draft, operation: Operation) -> str | None:
    if operation.name in _SAME:
        return f"safe_ops.{_SAME[operation.name]}({draft.code(operation.x)})"
    if operation.name in _TWO:
        return f"safe_ops.{_TWO[operation.name]}({draft.code(operation.x)}, {draft.code(operation.y)})"
    if operation.name == "rsqrt":
        return f"safe_ops.power({draft.code(operation.x)}, -0.5)"
    if operation.name == "reciprocal":
        return f"safe_ops.power({draft.code(operation.x)}, -1.0)"
    return None


def _reduced(draft: Draft, operation: Operation) -> str | None:
    """A norm or a spread: ours is taken over the last axis unless told otherwise, theirs over all."""
    if operation.name not in ("norm", "std") or floors.written_out(draft, operation) is None:
        return None
    axis = draft.code(operation["axis"]) if "axis" in operation.args else "None"
    keep = f", keepdims={draft.code(operation['keepdims'])}" if "keepdims" in operation.args else ""
    return f"safe_ops.{operation.name}({draft.code(operation.x)}, axis={axis}{keep})"


def _normalised(draft: Draft, operation: Operation) -> tuple[cst.BaseExpression, str] | None:
    """`x / norm(x, axis, keepdims=True)`, of which the site is the quotient or the norm."""
    quotient = operation
    if operation.name == "norm":
        parent = draft.source.parent(operation.node)
        above = draft.reader.named(parent, "divide")
        if above is None or above.y is not operation.node:
            return None
        quotient = above
    norm = draft.reader.named(draft.reader.value(quotient.y), "norm") if quotient.name == "divide" else None
    if norm is None or not draft.reader.same(norm.x, quotient.x) or "axis" not in norm.args:
        return None
    if "keepdims" not in norm.args or draft.code(norm["keepdims"]) != "True":
        return None
    return quotient.node, f"safe_ops.normalize({draft.code(quotient.x)}, axis={draft.code(norm['axis'])})"


def _masked_mean(draft: Draft, operation: Operation) -> tuple[cst.BaseExpression, str] | None:
    """`sum(x * mask) / sum(mask)`, over the same axes."""
    if operation.name != "divide":
        return None
    over = draft.reader.named(draft.reader.value(operation.x), "sum")
    under = draft.reader.named(draft.reader.value(operation.y), "sum")
    product = None if over is None else draft.reader.named(draft.reader.value(over.x), "multiply")
    if over is None or under is None or product is None:
        return None
    sides = ((product.x, product.y), (product.y, product.x))
    values = next((x for x, mask in sides if draft.reader.same(mask, under.x)), None)
    options = [[f"{k}={draft.code(v)}" for k, v in o.args.items() if k != "x"] for o in (over, under)]
    if values is None or options[0] != options[1]:
        return None
    arguments = ", ".join([draft.code(values), draft.code(under.x), *options[0]])
    return operation.node, f"safe_ops.masked_mean({arguments})"


def _stable(draft: Draft, operation: Operation) -> tuple[cst.BaseExpression, str] | None:
    """`log(1 + exp(x))`, `log(sum(exp(x)))`, `log(cosh(x))` around an exponential."""
    if operation.name not in ("exp", "cosh"):
        return None
    x, reader = draft.code(operation.x), draft.reader
    around = [reader.operation(node) for node in draft.source.around(operation.node)]
    found = [o for o in around if o is not None][:2]
    if operation.name == "cosh":
        log = found[0] if found else None
        return None if log is None or log.name != "log" else (log.node, f"safe_ops.logcosh({x})")
    if found and found[0].name == "log1p":
        return found[0].node, f"safe_ops.softplus({x})"
    if len(found) < 2 or found[1].name != "log":
        return None
    inner, log = found
    if inner.name == "add" and 1.0 in (number(draft.source, inner.x), number(draft.source, inner.y)):
        return log.node, f"safe_ops.softplus({x})"
    if inner.name == "sum" and inner.x is operation.node and not inner.args.keys() - {"x", "axis", "keepdims"}:
        rest = "".join(f", {k}={draft.code(v)}" for k, v in inner.args.items() if k != "x")
        return log.node, f"safe_ops.logsumexp({x}{rest})"
    return None


def _masked_softmax(draft: Draft, operation: Operation) -> str | None:
    """`softmax(where(mask, scores, -inf))`."""
    if operation.name != "softmax":
        return None
    where = draft.reader.named(draft.reader.value(operation.x), "where")
    if where is None or not {"condition", "x", "y"} <= where.args.keys():
        return None
    axis = f", axis={draft.code(operation['axis'])}" if "axis" in operation.args else ""
    condition = draft.code(where["condition"])
    if "inf" in draft.code(where.y).lower():
        return f"safe_ops.masked_softmax({draft.code(where.x)}, {condition}{axis})"
    if "inf" in draft.code(where.x).lower():
        return f"safe_ops.masked_softmax({draft.code(where.y)}, ~({condition}){axis})"
    return None
