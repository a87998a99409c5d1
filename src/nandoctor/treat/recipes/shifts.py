"""Exponentials of which only a quotient or a logarithm is used: their largest exponent is subtracted first.

`sum(a exp(x)) / sum(exp(x))` stays the same, `log(sum(a exp(x)))` gets the largest exponent back. It is how softmax and
logsumexp are computed, for what is nearly one of them: with a mask, with a mean, with the diagonal on top.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.operation import Operation, number
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.source import Splice


def shifted(draft: Draft, exponential: Operation) -> Iterator[Proposal]:
    """The exponential that a quotient or a logarithm takes, with its largest exponent subtracted."""
    if exponential.name != "exp":
        return
    for splices in (_in_quotient(draft, exponential), _in_logarithm(draft, exponential)):
        if splices:
            summary = "Subtract the largest exponent first: the result is the same."
            yield draft.site.edit("stable-form", summary, [*splices, *draft.imports], safe=True)
            return


def _in_quotient(draft: Draft, exponential: Operation) -> list[Splice]:
    """Of a quotient of which both parts are made with it, and the lower one is a sum over an axis."""
    for quotient in draft.reader.inside(_scope(draft), "divide"):
        if "y" not in quotient.args or not _holds(draft, quotient.x, exponential):
            continue
        sums = [o for o in _operations(draft, quotient.y, "sum") if "axis" in o.args]
        total = next((o for o in sums if _holds(draft, o.x, exponential)), None)
        if total is not None:
            twins = [
                o for o in draft.reader.inside(quotient.node, "exp") if draft.reader.same(o.node, exponential.node)
            ]
            alike = {o.node: o for o in (exponential, *twins)}
            return [_minus_largest(draft, o, total) for o in alike.values()]
    return []


def _in_logarithm(draft: Draft, exponential: Operation) -> list[Splice]:
    """Of the logarithm of a sum or mean over an axis, each term of which is a multiple of it."""
    for logarithm in draft.reader.inside(_scope(draft), "log"):
        chain = Chain(draft, exponential)
        total = chain.total(logarithm.x)
        if total is None or "axis" not in total.args or not chain.is_alone(logarithm.node):
            continue
        kept = ["keepdims=True"] if "keepdims" in total.args and draft.code(total["keepdims"]) == "True" else []
        back = draft.call("max", draft.code(exponential.x), f"axis={draft.code(total['axis'])}", *kept)
        start, end = draft.source.span(logarithm.node)
        open_, close = ("(", ")") if draft.source.needs_parentheses(logarithm.node) else ("", "")
        return [
            _minus_largest(draft, exponential, total),
            Splice(start, start, open_),
            Splice(end, end, f" + {back}{close}"),
        ]
    return []


class Chain:
    """From a logarithm to the exponential in it, through names, with all that lies between linear in it."""

    def __init__(self, draft: Draft, exponential: Operation) -> None:
        self.draft = draft
        self.exponential = exponential
        self.names: list[cst.Name] = []

    def total(self, node: cst.BaseExpression) -> Operation | None:
        """The sum or mean that the logarithm is taken of, or of a multiple of it."""
        operation = self.draft.reader.operation(self._value(node))
        if operation is None:
            return None
        if operation.name in ("sum", "mean"):
            return operation if self._is_linear(operation.x) else None
        if operation.name == "add" and 0 < (number(self.draft.source, operation.y) or 0.0) < 1e-3:
            return self.total(operation.x)
        factor = self._factor(operation)
        return None if factor is None else self.total(factor)

    def is_alone(self, logarithm: cst.BaseExpression) -> bool:
        """Whether nothing else uses the names on the way: it would see other values."""
        source = self.draft.source
        scope = source.function(logarithm)
        given = [source.assignment(name.value, name) for name in self.names]
        own = [source.span(node) for node in (logarithm, *given) if node is not None]
        reads = [read for name in self.names for read in source.reads(name.value, scope)]
        return all(any(a <= source.span(read)[0] < b for a, b in own) for read in reads)

    def _is_linear(self, node: cst.BaseExpression) -> bool:
        value = self._value(node)
        if value is self.exponential.node:
            return True
        operation = self.draft.reader.operation(value)
        factor = None if operation is None else self._factor(operation)
        return factor is not None and self._is_linear(factor)

    def _factor(self, operation: Operation) -> cst.BaseExpression | None:
        """The one factor, or the dividend, that the exponential is in."""
        if operation.name not in ("multiply", "divide") or "y" not in operation.args:
            return None
        first, second = (_holds(self.draft, part, self.exponential) for part in (operation.x, operation.y))
        if first and not second:
            return operation.x
        return operation.y if second and not first and operation.name == "multiply" else None

    def _value(self, node: cst.BaseExpression) -> cst.BaseExpression:
        value = self.draft.reader.value(node)
        if value is not node and isinstance(node, cst.Name):
            self.names.append(node)
        return value


def _scope(draft: Draft) -> cst.CSTNode:
    function = draft.source.function(draft.site.node)
    return draft.source.module if function is None else function


def _minus_largest(draft: Draft, exponential: Operation, total: Operation) -> Splice:
    x = exponential.x
    code = draft.code(x) if isinstance(x, (cst.BinaryOperation, cst.UnaryOperation)) else draft.factor(x)
    largest = draft.call("max", draft.code(x), f"axis={draft.code(total['axis'])}", "keepdims=True")
    return draft.source.put(x, f"{code} - {largest}")


def _operations(draft: Draft, node: cst.BaseExpression, name: str) -> list[Operation]:
    return draft.reader.inside(draft.reader.value(node), name)


def _holds(draft: Draft, node: cst.BaseExpression, exponential: Operation) -> bool:
    """Whether an expression is made with the exponential, in it or in what its names stand for."""
    pending, seen = [node], set[int]()
    while pending and len(seen) < 50:
        value = draft.reader.value(pending.pop())
        if id(value) in seen:
            continue
        seen.add(id(value))
        parts = list(draft.source.expressions(value))
        if exponential.node in parts or any(draft.reader.same(part, exponential.node) for part in parts):
            return True
        pending += [part for part in parts if isinstance(part, cst.Name)]
    return False
