"""The loss as a sum: which of its terms are computed from the weights alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nandoctor.trace.graph import Node, Trace, Value, as_float64

_LONGEST = 400

PENALISING = frozenset(
    {"abs", "add", "div", "fill", "max", "mean", "mul", "norm", "pow", "range", "shape", "sqrt", "square", "sub", "sum"}
)
"""Kinds of operations of which penalties are made. A layer that is fed constants (the boundary of a field, say) has
others."""


@dataclass(frozen=True, slots=True)
class Term:
    """A number that was added to the loss, and the operation that made it.

    `factor`: what the sum in which it stands was multiplied by before it was differentiated.
    """

    value: float
    node: Node
    factor: float = 1.0


def terms_of(trace: Trace) -> list[Term]:
    """What the loss is the sum of."""
    return [term for loss in trace.objectives or trace.loss for term in _terms(trace, loss)]


def weight_terms(trace: Trace) -> list[Term]:
    """The terms of the loss in which neither inputs nor targets take part: penalties that the user wrote out."""
    return [term for term in terms_of(trace) if only_weights(trace, term.node)]


def only_weights(trace: Trace, node: Node) -> bool:
    """Whether it is computed from weights, and otherwise from plain numbers, by what penalties are made of."""
    behind = [] if node.kind == "shape" else list(_behind(trace, node.outputs[0]))
    weights = [v for maker, v in behind if maker is None and v.role.startswith("weight ")]
    return bool(weights) and all(
        maker.kind in PENALISING if maker is not None else v.role.startswith("weight ") or _is_number(v)
        for maker, v in behind
    )


def _behind(trace: Trace, value: Value) -> Iterator[tuple[Node | None, Value]]:
    """What a value was computed from: each operation with what it made, and each leaf.

    What a variable holds is a leaf, whether or not the update of the step before is in the trace.
    """
    pending, seen = [value], set[int]()
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        maker = None if value.role.startswith(_HELD) else trace.producer(value)
        yield maker, value
        pending.extend(maker.inputs if maker is not None else ())


_HELD = ("weight ", "state ", "slot ")


def _is_number(value: Value) -> bool:
    """Whether it is a constant that is certainly no data: one number, or integers (of which axes are made)."""
    whole = value.array is not None and value.array.dtype.kind in "biu"
    return value.role == "constant" and (whole or value.shape in ((), (1,)))


def _terms(trace: Trace, loss: Value) -> Iterator[Term]:
    """What a scalar is the sum of, through what leaves its parts as they are (a mean of one number, a cast)."""
    pending, whole = [(loss, 1.0)], {id(value) for value in trace.penalties}
    for _ in range(_LONGEST):
        if not pending:
            return
        value, factor = pending.pop()
        node, number = trace.producer(value), _scalar(value)
        if node is None or number is None:
            continue
        parts = [v for v in node.inputs if _scalar(v) is not None and v.dtype == value.dtype]
        if id(value) in whole:
            yield Term(number * factor, node, factor)
        elif node.kind == "add" and len(parts) == len(node.inputs):
            pending.extend((part, factor) for part in parts)
        elif (same := _unchanged(trace, node, number)) is not None:
            pending.append((same, factor))
        elif (scaled := _scaled(trace, node)) is not None and not only_weights(trace, node):
            pending.append((scaled[0], factor * scaled[1]))
        else:
            yield Term(number * factor, node, factor)


def _scaled(trace: Trace, node: Node) -> tuple[Value, float] | None:
    """The sum that is multiplied or divided by a plain number (of a loss scale, of a count), and by what."""
    if node.kind not in ("mul", "div") or len(node.inputs) != 2 or not all(v.shape == () for v in node.inputs):
        return None
    for part, other in (node.inputs, node.inputs[::-1]) if node.kind == "mul" else (node.inputs,):
        maker = trace.producer(part)
        if maker is not None and _is_plain(trace, other):
            number = _number(other)
            return part, number if node.kind == "mul" else 1.0 / number if number else float("inf")
    return None


def _is_plain(trace: Trace, value: Value) -> bool:
    leaves = [v for maker, v in _behind(trace, value) if maker is None]
    return all(_is_number(v) or v.role.startswith(_HELD[1:]) for v in leaves)


def _unchanged(trace: Trace, node: Node, number: float) -> Value | None:
    """The one input that an operation passes on as it is."""
    made = [v for v in node.inputs if trace.producer(v) is not None and v.array is not None and v.array.size == 1]
    computed = [v for v in made if trace.roles(v) and _number(v) == number]
    return computed[0] if len(computed) == 1 and node.phase == "forward" else None


def _scalar(value: Value) -> float | None:
    return None if value.array is None or value.array.size != 1 or value.array.dtype.kind in "biu" else _number(value)


def _number(value: Value) -> float:
    return float(as_float64(value.array).ravel()[0]) if value.array is not None else 0.0
