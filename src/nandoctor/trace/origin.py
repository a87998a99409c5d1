"""The walk from a loss, gradient or weight that is not finite back to the operation where that began.

NaN first: an operation whose output holds NaN and whose inputs hold none made it. If it was fed an
infinity, the walk asks where the infinity was made: one that the user wrote (a mask) ends the walk at
the NaN; an operation that overflowed or divided by zero is the origin. Only what flows into the fault
is followed, element by element where shapes allow, so an infinity that stays aside is not accused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from nandoctor.trace.graph import Node, Trace, Value

Surface = Literal["loss", "gradient", "state", "weights"]

LAUNDERING = frozenset({"maxpool", "maxpool3d", "relu", "relu6", "maximum", "minimum", "clip", "max", "min"})
"""Kinds whose CPU kernels may turn NaN into a finite number (a max-pooling gives the lowest float)."""

_ELEMENTWISE = frozenset({"add", "sub", "mul", "div", "select", "maximum", "minimum", "pow", "safe_div"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where it began.

    Attributes:
        node: the operation that made it; None where the value came in from outside (`leaf`).
        leaf: the input, target, weight or constant that was not finite already.
        value: what first held it.
        surface: what was found not finite: the loss, a gradient, the state, the weights.
        name: which one (the weight's name).
        chain: the operations from the origin to where it surfaced.
        user_infinity: an infinity that the user wrote and that fed the NaN (an attention mask).
        nan_node: the operation that turned an infinity into NaN, where that was not `node` itself.
    """

    node: Node | None
    leaf: Value | None
    value: Value
    surface: Surface
    name: str
    chain: tuple[Node, ...]
    user_infinity: Value | None = None
    nan_node: Node | None = None


def find_origin(trace: Trace) -> Origin | None:
    """The origin of the fault in a traced step, or None where all of it is finite."""
    for surface, candidates in _surfaces(trace):
        bad = [(name, value) for name, value in candidates if value.bad]
        if bad:
            return min(
                (_walk(trace, surface, name, value) for name, value in bad[:8]),
                key=lambda origin: -1 if origin.node is None else origin.node.index,
            )
    return None


def find_latent_origin(trace: Trace) -> Origin | None:
    """Where a fused or XLA step would have made NaN although the replay's kernel did not.

    TensorFlow's CPU kernels for the derivative of a root answer 0 where the incoming gradient is 0; XLA computes
    `0 * inf`. The first root that is differentiated at exactly 0 with a gradient of 0 is the origin then. And a
    graph is rewritten before it runs: `1 - p + 1e-8` becomes `(1 + 1e-8) - p`, in which the epsilon is lost.
    """
    for node in trace.nodes:
        absorbed = _log_of_absorbed_epsilon(trace, node)
        if absorbed is not None:
            return absorbed
        if node.op not in ("SqrtGrad", "RsqrtGrad") or node.outputs[0].array is None or node.outputs[0].bad:
            continue
        result, incoming = node.inputs[0].array, node.inputs[1].array
        if result is None or incoming is None:
            continue
        singular = (np.isinf(result) if node.op == "RsqrtGrad" else result == 0) & (incoming == 0)
        if singular.any():
            array = np.where(singular, np.nan, node.outputs[0].array)
            value = Value(-1, array, node.outputs[0].shape, node.outputs[0].dtype, node.index)
            return Origin(node, None, value, "gradient", "", (node,))
    return None


def _log_of_absorbed_epsilon(trace: Trace, node: Node) -> Origin | None:
    """`log(c - p + eps)` where `c - p` is exactly 0 and `c + eps` is exactly `c`: folded, the logarithm of 0."""
    shifted = trace.producer(node.inputs[0]) if node.kind == "log" else None
    if shifted is None or shifted.kind != "add" or shifted.phase != "forward":
        return None
    differences = [n for v in shifted.inputs if (n := trace.producer(v)) is not None and n.kind == "sub"]
    constants = [v.array for v in shifted.inputs if v.producer is None and v.array is not None]
    if not differences or not constants or differences[0].inputs[0].producer is not None:
        return None
    minuend, rest = differences[0].inputs[0].array, differences[0].outputs[0].array
    logarithm = node.outputs[0].array
    if minuend is None or rest is None or logarithm is None or not np.array_equal(minuend + constants[0], minuend):
        return None
    zero = rest == 0
    if not zero.any():
        return None
    operand = Value(-2, np.where(zero, 0.0, rest), shifted.outputs[0].shape, rest.dtype.name, shifted.index)
    result = Value(-1, np.where(zero, -np.inf, logarithm), node.outputs[0].shape, rest.dtype.name, node.index)
    folded = replace(node, inputs=(operand,), outputs=(result,))
    return Origin(folded, None, result, "loss", "loss", (folded,))


def _surfaces(trace: Trace) -> Iterable[tuple[Surface, list[tuple[str, Value]]]]:
    yield "loss", [("loss", value) for value in trace.loss]
    yield "gradient", trace.gradients
    yield "state", [(name, v) for name, v in trace.writes if name.startswith("state ")]
    yield "weights", [(name, v) for name, v in trace.writes if not name.startswith("state ")]


def _walk(trace: Trace, surface: Surface, name: str, target: Value) -> Origin:
    makers, leaves, parents = _search(trace, target, want_nan=target.has_nan)
    first = _first(makers, leaves)
    hidden = None if isinstance(first, Value) else _laundered_behind(trace, first)
    if hidden is not None:
        return _walk(trace, surface, name, hidden)
    if isinstance(first, Value):
        return Origin(None, first, first, surface, name, _chain(trace, first, parents))
    value = _bad_output(first, target.has_nan)
    infinity = _infinity_behind(trace, first) if value.has_nan else None
    if infinity is None:
        return Origin(first, None, value, surface, name, _chain(trace, value, parents))
    source, above = infinity
    chain = _chain(trace, source, {**parents, **above})
    chain += tuple(n for n in (first, *_chain(trace, value, parents)) if n not in chain)
    maker = trace.producer(source)
    if maker is not None:
        return Origin(maker, None, source, surface, name, chain, nan_node=first)
    if source.role == "constant":
        return Origin(first, None, value, surface, name, chain, user_infinity=source)
    return Origin(None, source, source, surface, name, chain, nan_node=first)


def _laundered_behind(trace: Trace, maker: Node) -> Value | None:
    """A NaN further back that an operation on the way turned into a finite number."""
    for source in maker.inputs:
        for node in trace.ancestors(source):
            spoilt = [v for v in node.inputs if v.has_nan]
            if node.kind in LAUNDERING and node.phase == "forward" and spoilt and not node.outputs[0].has_nan:
                return spoilt[0]
    return None


Parents = dict[int, Node]
"""For each value on the way (by id): the operation that it was found feeding."""


def _search(trace: Trace, target: Value, *, want_nan: bool) -> tuple[list[Node], list[Value], Parents]:
    """Every operation that made, and every leaf that brought, what is wrong with the target."""
    makers: list[Node] = []
    leaves: list[Value] = []
    parents: Parents = {}
    pending, seen = [target], {id(target)}
    while pending:
        value = pending.pop()
        node = trace.producer(value)
        if node is None:
            leaves.append(value)
            continue
        feeding = _feeding(node, value, nan=want_nan)
        if not feeding:
            makers.append(node)
        for source in feeding:
            if id(source) not in seen:
                seen.add(id(source))
                parents[id(source)] = node
                pending.append(source)
    return makers, leaves, parents


def _spoils(value: Value, nan: bool) -> bool:
    return value.has_nan if nan else value.has_inf


def _feeding(node: Node, output: Value, *, nan: bool) -> list[Value]:
    """The inputs of a node whose bad elements can be those of its output."""
    return [v for v in node.inputs if _spoils(v, nan) and _overlaps(node, v, output)]


def _overlaps(node: Node, source: Value, output: Value) -> bool:
    """Whether bad elements of an elementwise operation's input sit where its output is bad."""
    if node.kind not in _ELEMENTWISE or source.array is None or output.array is None:
        return True
    if len(source.shape) > len(output.shape):
        return True
    try:
        spread = np.broadcast_to(~np.isfinite(source.array), output.shape)
    except ValueError:
        return True
    return bool((spread & ~np.isfinite(output.array)).any())


def _first(makers: list[Node], leaves: list[Value]) -> Node | Value:
    """What is bad before the step begins explains what follows; otherwise the earliest operation."""
    spoilt = [leaf for leaf in leaves if leaf.role != "constant"] or ([] if makers else leaves)
    return spoilt[0] if spoilt else min(makers, key=lambda node: node.index)


def _bad_output(node: Node, nan: bool) -> Value:
    for value in node.outputs:
        if _spoils(value, nan):
            return value
    return next((v for v in node.outputs if v.bad), node.outputs[0])


def _infinity_behind(trace: Trace, node: Node) -> tuple[Value, Parents] | None:
    """The infinity that fed a NaN: a leaf, or the output of the operation that made it."""
    sources = _feeding(node, _bad_output(node, True), nan=False)
    found: list[tuple[Value, Parents]] = []
    for source in sources:
        makers, leaves, parents = _search(trace, source, want_nan=False)
        parents[id(source)] = node
        first = _first(makers, leaves)
        found.append((first if isinstance(first, Value) else _bad_output(first, False), parents))
    brought = [f for f in found if f[0].producer is None and f[0].role != "constant"]
    made = [f for f in found if f[0].producer is not None and trace.roles(f[0])]
    if brought:
        return brought[0]
    if made:
        return min(made, key=lambda f: f[0].producer or 0)
    return (_as_leaf(found[0][0]), found[0][1]) if found else None


def _as_leaf(value: Value) -> Value:
    """An infinity computed from constants alone (a fill, a cast, a negation) is one that the user wrote."""
    return Value(value.key, value.array, value.shape, value.dtype)


def _chain(trace: Trace, start: Value, parents: Parents) -> tuple[Node, ...]:
    """The operations from a value to where it surfaced."""
    chain: list[Node] = []
    node = trace.producer(start)
    value: Value | None = start
    if node is not None:
        chain.append(node)
    while value is not None and id(value) in parents:
        node = parents[id(value)]
        if node in chain:
            break
        chain.append(node)
        value = next((v for v in node.outputs if id(v) in parents), None)
    return tuple(chain)
