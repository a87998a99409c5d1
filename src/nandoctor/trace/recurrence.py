"""Values that grow along a recurrence: one operation, run again and again on what it made the time before.

A recurrent layer, a scan and a hand-written loop look the same in a trace: operations with the very same stack,
each fed by the one before. A state that is multiplied by a factor above 1 each time grows geometrically with
the number of time steps, inside one forward pass.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nandoctor.trace.graph import Node, Trace, Value

_MULTIPLIES = ("matmul", "mul", "pow", "square", "exp")
_LEAST_TIMES = 3
_LEAST_GROWTH = 1e3
_NEAR = 60
_LATE_GROWTH = 10.0
"""Growth over the second half of the iterations. A sum that accumulates doubles there; geometric growth goes on."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One operation that multiplies a state at each time step, and how large its result was, time after time.

    Attributes:
        node: its last run.
        magnitudes: the largest absolute value of each run that was finite, in order.
        weight: the role of the variable it multiplies by, `weight rnn/recurrent_kernel`; empty where there is none.
        matrix: what that variable held.
    """

    node: Node
    magnitudes: tuple[float, ...]
    weight: str
    matrix: np.ndarray | None

    @property
    def factor(self) -> float:
        """By how much the state grew at a time step, on average."""
        return float((self.magnitudes[-1] / self.magnitudes[0]) ** (1.0 / (len(self.magnitudes) - 1)))

    @property
    def radius(self) -> float | None:
        """The spectral radius of a square matrix; for a number for each unit, the largest."""
        if self.matrix is None or not np.isfinite(self.matrix.astype(np.float64)).all():
            return None
        wide = self.matrix.astype(np.float64)
        if wide.ndim == 2 and wide.shape[0] == wide.shape[1]:
            return float(np.abs(np.linalg.eigvals(wide)).max())
        return float(np.abs(wide).max()) if wide.ndim < 2 and wide.size else None


def growing_recurrence(trace: Trace) -> Recurrence | None:
    """The recurrence of the forward pass in which values grow most, if one grows geometrically."""
    found = [r for nodes in _runs(trace) if (r := _recurrence(trace, nodes)) is not None]
    learned = [r for r in found if r.weight] or found
    return max(learned, key=lambda r: r.magnitudes[-1] / r.magnitudes[0], default=None)


def _runs(trace: Trace) -> Iterable[list[Node]]:
    """The runs of each multiplication that the forward pass reaches by one and the same way."""
    groups: dict[tuple[object, ...], list[Node]] = defaultdict(list)
    for node in trace.nodes:
        if node.phase == "forward" and node.kind in _MULTIPLIES:
            groups[node.op, *((id(code), at) for code, at in node.frames)].append(node)
    return groups.values()


def repeats(trace: Trace) -> bool:
    """Whether the forward pass multiplies a state again and again, growing or not."""
    return any(_is_chain(trace, nodes) for nodes in _runs(trace))


def _is_chain(trace: Trace, nodes: Sequence[Node]) -> bool:
    return len(nodes) > _LEAST_TIMES and all(_feeds(trace, a, b) for a, b in itertools.pairwise(nodes[:5]))


def _recurrence(trace: Trace, nodes: Sequence[Node]) -> Recurrence | None:
    if not _is_chain(trace, nodes):
        return None
    magnitudes = _finite_run(nodes)
    if not _geometric(magnitudes):
        return None
    first, last = _factors(trace, *nodes[:2]), _factors(trace, *nodes[-2:])
    between = [_weights_between(trace, *pair) for pair in (nodes[:2], nodes[-2:])]
    if first.keys() != last.keys() or between[0] != between[1]:
        return None  # a stack of layers, called in a loop: each has its own weights
    role = min(last, default="")
    return Recurrence(nodes[-1], magnitudes, role, last[role].array if role else None)


def _weights_between(trace: Trace, earlier: Node, later: Node) -> set[str]:
    """The variables that take part from one run of an operation to the next."""
    after = itertools.takewhile(lambda node: node.index > earlier.index, trace.ancestors(later.outputs[0]))
    return {v.role for node in after for v in node.inputs if v.role.startswith("weight ")}


def _factors(trace: Trace, earlier: Node, later: Node) -> dict[str, Value]:
    """The variables that an operation multiplies what it made before by."""
    found: dict[str, Value] = {}
    for value in later.inputs:
        maker = trace.producer(value)
        if maker is None or not _reaches(trace, maker, earlier):
            found.update({v.role: v for v in _leaves(trace, value) if v.role.startswith("weight ")})
    return found


def _leaves(trace: Trace, value: Value) -> list[Value]:
    """What a value was computed from, a few operations back."""
    pending, leaves = [value], []
    for _ in range(_NEAR):
        if not pending:
            break
        value = pending.pop()
        node = trace.producer(value)
        leaves.append(value) if node is None else pending.extend(node.inputs)
    return leaves


def _finite_run(nodes: Sequence[Node]) -> tuple[float, ...]:
    """The magnitudes up to the first that is not finite, from the first that is not 0 (a state starts at 0)."""
    run: list[float] = []
    for node in nodes:
        stats = node.outputs[0].stats
        if stats is None or node.outputs[0].bad or stats.absmax is None:
            break
        if stats.absmax > 0 or run:
            run.append(stats.absmax)
    return tuple(run)


def _geometric(magnitudes: Sequence[float]) -> bool:
    if len(magnitudes) < _LEAST_TIMES or min(magnitudes) <= 0:
        return False
    first, middle, last = magnitudes[0], magnitudes[len(magnitudes) // 2], magnitudes[-1]
    return last / first >= _LEAST_GROWTH and last / middle >= _LATE_GROWTH


def _feeds(trace: Trace, earlier: Node, later: Node) -> bool:
    """Whether what an operation made flows into its next run."""
    makers = (trace.producer(v) for v in later.inputs)
    return any(maker is not None and _reaches(trace, maker, earlier) for maker in makers)


def _reaches(trace: Trace, node: Node, earlier: Node) -> bool:
    """Whether an operation is, or was fed by, an earlier one."""
    pending, seen = [node.index], set[int]()
    while pending:
        index = pending.pop()
        if index < earlier.index or index in seen:
            continue
        if index == earlier.index:
            return True
        seen.add(index)
        pending.extend(v.producer for v in trace.nodes[index].inputs if v.producer is not None)
    return False
