"""Which of the values that came into a recorded step are its inputs, and which its targets.

A loop of the user's own does not say. But an input is what first meets weights alone (it is multiplied by a kernel, or
looks up an embedding), and a target is what first meets something that was computed from inputs and weights, to meet no
weight any more: an adjacency matrix that comes in between two layers is an input too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nandoctor.findings import Location
from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.locations import locate, user_frame

_SHAPED = ("Shape", "Random", "Stateless", "Truncated", "Fill", "Range", "Zeros", "Ones")
"""Operations whose result has a shape from their inputs, and nothing else: what goes in does not flow on."""

FED = "fed"
"""The role of what a data pipeline brought in, before it is known what it is."""


def name_leaves(trace: Trace, since: int = 0, only: frozenset[int] = frozenset()) -> dict[str, np.ndarray]:
    """Give the step's inputs and targets their roles, `input[0]`, `target[0]` ..., and return them by role.

    `since`: the operation with which the step begins. `only`: the values, by id, among which they are, where that is
    known.
    """
    nodes = trace.nodes[since:]
    candidates = [v for v in _candidates(nodes) if not only or id(v) in only]
    families = _families(nodes, candidates)
    named: dict[str, np.ndarray] = {}
    for family in ("input", "target"):
        for n, value in enumerate(v for v in candidates if families.get(id(v)) == family):
            value.role = f"{family}[{n}]"
            if value.array is not None:
                named[value.role] = value.array
    return named


def families_of(nodes: Sequence[Node]) -> dict[int, str]:
    """By id of each value that came into a step from outside: `input` or `target`."""
    return _families(nodes, _candidates(nodes))


def feeding_place(trace: Trace) -> Location | None:
    """The user's expression in which an input first meets a weight: where data goes into the model."""
    for node in trace.nodes:
        frame = user_frame(node.frames)
        if frame is not None and node.phase == "forward" and any(v.role.startswith("input[") for v in node.inputs):
            return locate(frame)
    return None


def updating_place(trace: Trace) -> Location | None:
    """The user's expression that writes a weight by hand, where no optimizer does."""
    for node in trace.nodes:
        if node.kind == "write" and any(v.role.startswith("weight ") for v in node.outputs):
            return trace.location(node)
    return None


def _candidates(nodes: Sequence[Node]) -> list[Value]:
    """What a pipeline fed; without one, arrays that are no variables and have as many rows as the first of them."""
    leaves = {id(v): v for node in nodes for v in node.inputs if v.producer is None and v.array is not None}
    fed = [v for v in leaves.values() if v.role.startswith(FED)]
    if fed:
        return fed
    arrays = [v for v in leaves.values() if v.role == "constant" and v.shape and v.shape[0] > 1]
    first = next(_meeting_weights(nodes, arrays), None)
    return [] if first is None else [v for v in arrays if v.shape[0] == first.shape[0]]


def _meeting_weights(nodes: Sequence[Node], arrays: list[Value]) -> Iterator[Value]:
    families = _families(nodes, arrays)
    return (v for v in arrays if families.get(id(v)) == "input")


def _families(nodes: Sequence[Node], candidates: list[Value]) -> dict[int, str]:
    """By id of the candidate: `input` or `target`, by what it meets first."""
    behind: dict[int, frozenset[int]] = {id(v): frozenset({id(v)}) for v in candidates}
    weighted: set[int] = set()
    found: dict[int, str] = {}
    for node in nodes:
        if node.phase != "forward" or node.op.startswith(_SHAPED):
            continue
        for value in node.inputs:
            if is_weight(value):
                weighted.add(id(value))
        _decide(node, behind, weighted, found)
        if any(is_weight(v) and v.shape for v in node.inputs):
            found.update(dict.fromkeys(_met_before(node, behind, found), "input"))
        reached = frozenset().union(*(behind.get(id(v), frozenset()) for v in node.inputs))
        for output in node.outputs:
            behind[id(output)] = reached
            if any(id(v) in weighted for v in node.inputs):
                weighted.add(id(output))
    return found


def _met_before(node: Node, behind: dict[int, frozenset[int]], found: dict[int, str]) -> list[int]:
    """What was taken for targets, and is on its way into another weight."""
    reached = frozenset().union(*(behind.get(id(v), frozenset()) for v in node.inputs))
    return [leaf for leaf in reached if found.get(leaf) == "target"]


def _decide(node: Node, behind: dict[int, frozenset[int]], weighted: set[int], found: dict[int, str]) -> None:
    for value in node.inputs:
        if id(value) in weighted:
            continue
        for other in node.inputs:
            if other is value or id(other) not in weighted:
                continue
            family = "target" if behind.get(id(other)) else "input"
            for leaf in behind.get(id(value), frozenset()):
                found.setdefault(leaf, family)


def is_weight(value: Value) -> bool:
    """A variable's content, as it was before the step or as the step before has written it."""
    return value.role.startswith(("weight ", "state "))
