"""A spread (variance, standard deviation) over a batch of one row: it is 0, or 0 / 0, whatever the row holds."""

from __future__ import annotations

from nandoctor.trace.graph import Node, Trace, Value

_KEEPING = frozenset({"sqrt", "rsqrt", "add", "mul", "maximum", "select", "reshape", "squeeze", "expand", "identity"})
"""Kinds of operations that a spread is still a spread after."""

_FARTHEST = 60


def spread_over_one_row(trace: Trace, value: Value) -> Node | None:
    """The reduction over a batch axis of length 1 by which a value is the spread of its batch, if it is one."""
    pending, seen = [value], 0
    while pending and seen < _FARTHEST:
        node = trace.producer(pending.pop(0))
        seen += 1
        if node is None:
            continue
        if node.kind in ("mean", "sum") and _over_one_row(node) and _of_deviations(trace, node):
            return node
        if node.kind in _KEEPING or node.op in ("Squeeze", "ExpandDims", "Reshape", "Identity", "Cast", "RealDiv"):
            pending.extend(node.inputs[:2])
    return None


def _over_one_row(node: Node) -> bool:
    """Whether it reduces over a first axis of length 1, and over nothing else that is longer."""
    source, result = node.inputs[0].shape, node.outputs[0].shape
    return bool(source) and len(source) > 1 and source[0] == 1 and result in (source[1:], source)


def _of_deviations(trace: Trace, node: Node) -> bool:
    maker = trace.producer(node.inputs[0])
    if maker is None:
        return False
    if maker.op == "SquaredDifference" or maker.kind == "sub":
        return True
    behind = [trace.producer(v) for v in maker.inputs]
    return maker.kind in ("square", "mul", "pow") and any(n is not None and n.kind == "sub" for n in behind)
