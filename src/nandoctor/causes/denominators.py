"""What a zero denominator, or an empty mean, was computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nandoctor.causes.case import Case
from nandoctor.trace.graph import Node, Trace, Value, as_float64


@dataclass(frozen=True, slots=True)
class Denominator:
    """A denominator that is 0: its value, how often, and the operation that divides by it."""

    value: Value
    zeros: int
    node: Node


def zero_denominator(case: Case) -> Denominator | None:
    """The denominator of the origin, if it divides by exactly 0 where its output is bad."""
    node = case.made_by("div", "reciprocal", "rsqrt", "pow")
    if node is None or case.origin is None:
        return None
    value = node.inputs[1] if node.kind == "div" and len(node.inputs) > 1 else node.inputs[0]
    if node.kind == "pow" and not _negative_exponent(node):
        return None
    values = case.at_bad_elements(value)
    if values is None or not (values == 0).any():
        return None
    return Denominator(value, int((values == 0).sum()), node)


def _negative_exponent(node: Node) -> bool:
    exponent = node.inputs[1].array
    return exponent is not None and bool((as_float64(exponent) < 0).any())


def empty_operand(case: Case) -> Value | None:
    """The tensor without elements whose mean is the origin."""
    node = case.made_by("mean")
    if node is not None and node.inputs and 0 in node.inputs[0].shape:
        return node.inputs[0]
    return None


def empty_selection(case: Case) -> Value | None:
    """What decides that there is nothing to average: the operand of an empty mean, or a count that is 0."""
    empty = empty_operand(case)
    if empty is not None:
        return empty
    denominator = zero_denominator(case)
    if denominator is None or denominator.node.kind != "div" or not counts(case.trace, denominator.value):
        return None
    numerators = case.at_bad_elements(denominator.node.inputs[0])
    if numerators is None or (numerators != 0).any():
        return None  # a number divided by a count of 0 is no mean
    chosen_by_labels = bool(deciding_roles(case.trace, denominator.value) & {"target", "sample_weight"})
    if _is_sum_of(case.trace, denominator.value, denominator.node.inputs[0]) and not chosen_by_labels:
        return None  # rows that are divided by their own sum, as an adjacency matrix by its degrees
    return denominator.value


def _is_sum_of(trace: Trace, value: Value, summed: Value) -> bool:
    """Whether a value is the sum of another one."""
    return any(node.kind == "sum" and any(v is summed for v in node.inputs) for node in _near(trace, value))


def counts(trace: Trace, value: Value) -> bool:
    """Whether a value is a count: a size, or a sum or mean of zeros and ones."""
    return any(_is_count(trace, node) for node in _near(trace, value))


def _near(trace: Trace, value: Value) -> Iterator[Node]:
    """The operations behind a value, through those that keep a count a count."""
    pending, seen = [value], 0
    while pending and seen < 40:
        node = trace.producer(pending.pop())
        seen += 1
        if node is None:
            continue
        yield node
        if node.kind in ("shape", "add", "sub", "maximum", "mul", "prod", "select"):
            pending.extend(node.inputs[:3])


def _is_count(trace: Trace, node: Node) -> bool:
    if node.op in ("Size", "Shape"):
        return True
    if node.kind not in ("sum", "mean") or not node.inputs or node.inputs[0].array is None:
        return False
    values = as_float64(node.inputs[0].array)
    return bool(np.isin(values, (0.0, 1.0)).all()) and _selects(trace, node.inputs[0])


def _selects(trace: Trace, value: Value) -> bool:
    """Zeros and ones that say which elements count: from a comparison, or given as data (a mask, a weight)."""
    if trace.roles(value) <= {"input", "target", "sample_weight"}:
        return True
    return any(n.kind in ("compare", "logical", "onehot") or n.op == "IsNan" for n in trace.ancestors(value))


def comparisons(trace: Trace, value: Value) -> list[Node]:
    """The comparisons that a selection was made by (also those that chose the elements of a gather)."""
    return [node for node in trace.ancestors(value) if node.kind == "compare"]


def pair_comparisons(trace: Trace, value: Value) -> list[Node]:
    """Comparisons of each label of the batch with each other one."""
    return [node for node in comparisons(trace, value) if _compares_labels(trace, node)]


def _compares_labels(trace: Trace, node: Node) -> bool:
    both = len(node.inputs) == 2 and all(_is_label(trace, v) for v in node.inputs)
    shape = node.outputs[0].shape if node.outputs else ()
    return both and len(shape) >= 2 and len([n for n in shape if n > 1]) >= 2


def _is_label(trace: Trace, value: Value) -> bool:
    return trace.roles(value) <= {"target", "input"} and "target" in trace.roles(value)


def counted_whole(trace: Trace, selection: Value) -> bool:
    """Whether what the selection was taken from is averaged as a whole, too: nothing in it is invalid then."""
    for node in trace.ancestors(selection):
        if node.kind == "gather" and 0 in node.outputs[0].shape:
            return any(_is_averaged(trace, value) for value in _as_it_was(trace, node.inputs[0]))
    return False


def _as_it_was(trace: Trace, value: Value) -> Iterator[Value]:
    """A value, and what it was before it was only given another shape."""
    yield value
    while (node := trace.producer(value)) is not None and node.kind == "shape":
        if not node.inputs or math.prod(node.inputs[0].shape) != math.prod(value.shape):
            return
        value = node.inputs[0]
        yield value


def _is_averaged(trace: Trace, value: Value) -> bool:
    consumers = [node for node in trace.consumers(value) if node.phase == "forward"]
    return any(node.kind in ("mean", "sum") for node in consumers)


def deciding_roles(trace: Trace, selection: Value) -> set[str]:
    """What decides how many elements are selected: for a gather, what its indices come from."""
    for node in trace.ancestors(selection):
        if node.kind == "where":
            return trace.roles(node.inputs[0])
        if node.kind == "gather" and len(node.inputs) > 1 and 0 in node.outputs[0].shape:
            chosen = trace.producer(node.inputs[1])
            if chosen is not None and trace.roles(node.inputs[1]):
                return trace.roles(node.inputs[1])
    return trace.roles(selection)
