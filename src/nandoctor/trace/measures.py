"""Whether a number that a script computes beside its training is its validation, or a metric that may be undefined.

What a validation computes is written out again, in another function, with other names. It is known by what is done to
prediction and target from where they meet to the first scalar: the same operations make the same error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.leaves import families_of, is_weight

Term = tuple[frozenset[str], Value]
"""The operations that make an error of a prediction and a target, and the scalar that they come to."""

_SHAPING = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "ExpandDims", "StridedSlice", "Pack", "BroadcastTo"})
_WEIGHTING = frozenset({"Mul", "RealDiv", "DivNoNan", "AddV2", "reduce"})
_SAME = {"Mean": "reduce", "Sum": "reduce"}


def beside_training(trace: Trace) -> int:
    """Where in a recording the last training step ended; what follows is a computation of its own, all forward."""
    of_training = (n.index for n in trace.nodes if n.phase == "backward" or _writes_weight(n))
    since = max(of_training, default=-1) + 1
    for node in trace.nodes[since:]:
        node.phase = "forward"
    return since


def _writes_weight(node: Node) -> bool:
    return node.kind == "write" and any(v.role.startswith(("weight ", "slot ")) for v in node.outputs)


def is_the_validation(trace: Trace, since: int) -> bool:
    """Whether the trace's loss comes from an error, not finite, by which the script judges its model.

    That is an error like the one that was differentiated before; or, where the script computes none like it, another
    that is not finite in the rows themselves. A ratio of sums that is undefined (the precision of a class that nobody
    predicts) is neither.
    """
    trained = [ops for ops, _ in _within(trace, trace.objectives, _terms(trace.nodes[:since]))]
    errors = _terms(trace.nodes[since:], trace.loss)
    bad = [(ops, v) for ops, v in _within(trace, trace.loss, errors) if v.bad]
    if not any(_alike(ours, theirs) for ours in trained for theirs, _ in errors):
        return any(_is_bad_in_rows(trace, value) for _, value in bad)
    return any(_alike(ours, theirs) for ours in trained for theirs, _ in bad)


def batch_of(trace: Trace, since: int) -> frozenset[int]:
    """The values, by id, that came from outside into the first error that is not finite: one batch of several."""
    bad = [v for _, v in _within(trace, trace.loss, _terms(trace.nodes[since:], trace.loss)) if v.bad]
    first = min(bad, key=lambda value: value.producer or 0, default=None)
    if first is None:
        return frozenset()
    return frozenset(id(v) for node in trace.ancestors(first) for v in node.inputs if v.producer is None)


def _is_bad_in_rows(trace: Trace, value: Value) -> bool:
    node = trace.producer(value)
    return value.shape != () or (node is not None and any(v.bad and v.shape != () for v in node.inputs))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """The same but for a weight of each row, and for the sum over them."""
    return one ^ other <= _WEIGHTING


def _within(trace: Trace, values: Sequence[Value], terms: Sequence[Term]) -> Iterator[Term]:
    """The terms that values were computed from."""
    reached = {id(v) for v in values}
    reached.update(id(v) for value in values for node in trace.ancestors(value) for v in node.outputs)
    return (term for term in terms if id(term[1]) in reached)


def _terms(nodes: Sequence[Node], ends: Sequence[Value] = ()) -> list[Term]:
    """The errors that come to a scalar, or to one of the values that are named as ends."""
    last = {id(v) for v in ends}
    targets = {key for key, family in families_of(nodes).items() if family == "target"}
    predicted: set[int] = set()
    made: dict[int, frozenset[str]] = {}
    found: list[Term] = []
    for node in nodes:
        if node.phase != "forward":
            continue
        inputs = {id(v) for v in node.inputs}
        before = frozenset().union(*(made[key] for key in inputs if key in made))
        if before or (inputs & targets and inputs & predicted):
            operations = before | _name(node)
            found += [(operations, v) for v in node.outputs if v.shape == () or id(v) in last]
            made.update((id(v), operations) for v in node.outputs if v.shape != ())
        elif inputs & targets:
            targets.update(id(v) for v in node.outputs)
        elif inputs & predicted or any(is_weight(v) for v in node.inputs):
            predicted.update(id(v) for v in node.outputs)
    return found


def _name(node: Node) -> frozenset[str]:
    return frozenset() if node.op in _SHAPING else frozenset({_SAME.get(node.op, node.op)})
