"""The loss as a sum: which of its terms are computed from the weights alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nandoctor.trace.graph import Node, Trace, Value, as_float64

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Term:
    """A number that was added to the loss, and the operation that made it."""

    value: float
    node: Node


def weight_terms(trace: Trace) -> list[Term]:
    """The terms of the loss in which neither inputs nor targets take part: penalties that the user wrote out."""
    terms = [term for loss in trace.objectives or trace.loss for term in _terms(trace, loss)]
    return [term for term in terms if _only_weights(trace, term.node)]


def _only_weights(trace: Trace, node: Node) -> bool:
    return node.kind != "shape" and trace.roles(node.outputs[0]) == {"weight"}


def _terms(trace: Trace, loss: Value) -> Iterator[Term]:
    """What a scalar is the sum of, through what leaves its parts as they are (a mean of one number, a cast)."""
    pending = [loss]
    for _ in range(_LONGEST):
        if not pending:
            return
        value = pending.pop()
        node, number = trace.producer(value), _scalar(value)
        if node is None or number is None:
            continue
        parts = [v for v in node.inputs if _scalar(v) is not None and v.dtype == value.dtype]
        if node.kind == "add" and len(parts) == len(node.inputs):
            pending.extend(parts)
        elif (same := _unchanged(trace, node, number)) is not None:
            pending.append(same)
        else:
            yield Term(number, node)


def _unchanged(trace: Trace, node: Node, number: float) -> Value | None:
    """The one input that an operation passes on as it is."""
    made = [v for v in node.inputs if trace.producer(v) is not None and v.array is not None and v.array.size == 1]
    computed = [v for v in made if trace.roles(v) and _number(v) == number]
    return computed[0] if len(computed) == 1 and node.phase == "forward" else None


def _scalar(value: Value) -> float | None:
    return None if value.array is None or value.array.size != 1 or value.array.dtype.kind in "biu" else _number(value)


def _number(value: Value) -> float:
    return float(as_float64(value.array).ravel()[0]) if value.array is not None else 0.0
