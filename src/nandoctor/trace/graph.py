"""One training step as a graph of operations and the values that flowed between them.

A framework's recorder fills a `Trace` while it replays the step; everything after it (the walk to the
origin, the causes) reads only this. Arrays are NumPy views of what the operation really returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nandoctor.findings import Event, Location, Phase, Port, TensorStats
from nandoctor.trace.locations import Frame, locate, user_frame
from nandoctor.trace.statistics import is_floating, tensor_stats


@dataclass(eq=False, slots=True)
class Value:
    """One tensor. `role` says what it is where no operation made it: `input[0]`, `target`, `weight dense/kernel` ...

    `array` may be dropped to stay inside the recorder's memory budget; its statistics are then taken first. `rows`: of
    the values of a ragged or sparse part of a batch, the row that each belongs to (none where that is not known);
    None where the first axis is the batch's own.
    """

    key: int
    array: np.ndarray | None
    shape: tuple[int, ...]
    dtype: str
    producer: int | None = None
    role: str = "constant"
    rows: np.ndarray | None = None
    _stats: TensorStats | None = None
    _bad: tuple[bool, bool] | None = None

    @property
    def stats(self) -> TensorStats | None:
        if self._stats is None and self.array is not None:
            self._stats = tensor_stats(self.array)
        return self._stats

    def bad_rows(self) -> tuple[int, ...]:
        """Rows of the batch in which an element is not finite."""
        if self.array is None or self.array.ndim == 0:
            return ()
        bad = ~np.isfinite(self.array.reshape(len(self.array), -1)).all(axis=1)
        if self.rows is None:
            return tuple(np.flatnonzero(bad).tolist())
        return tuple(np.unique(self.rows[bad]).tolist()) if len(self.rows) == len(bad) else ()

    def drop(self) -> None:
        """Forget the elements, keep the statistics."""
        _ = self.stats, self.has_nan
        self.array = None

    def _look(self) -> tuple[bool, bool]:
        if self._bad is None:
            self._bad = _nan_and_inf(self.array)
        return self._bad

    @property
    def has_nan(self) -> bool:
        return self._look()[0]

    @property
    def has_inf(self) -> bool:
        return self._look()[1]

    @property
    def bad(self) -> bool:
        return self.has_nan or self.has_inf


def _nan_and_inf(array: np.ndarray | None) -> tuple[bool, bool]:
    if array is None or array.size == 0 or not is_floating(array.dtype):
        return False, False
    with np.errstate(all="ignore"):
        if array.dtype == np.float32 and np.isfinite(array.sum(dtype=np.float64)):
            return False, False
        return bool(np.isnan(array).any()), bool(np.isinf(array).any())


@dataclass(eq=False, slots=True)
class Node:
    """One operation.

    `forward` is the index of the operation that a backward one differentiates; `site` the user's line that
    made the layer (loss, optimizer) in which it ran; `depth` the height of the stack at which a library's layer
    called that layer, or None where the user's own code did. `taken`: how many frames are inside the call that takes
    the gradient, of a backward operation; the user's line outside it says nothing about the operation.
    """

    index: int
    op: str
    kind: str
    phase: Phase
    frames: tuple[Frame, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    layer: str | None = None
    site: Location | None = None
    depth: int | None = None
    taken: int | None = None
    forward: int | None = None
    error: str | None = None

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the library functions between the operation and the user's frame, innermost first."""
        user = user_frame(self.frames)
        names = []
        for frame in self.frames:
            if frame is user:
                break
            names.append(frame[0].co_name)
        return tuple(names)

    @property
    def modules(self) -> tuple[str, ...]:
        """File names of those functions."""
        return tuple(frame[0].co_filename for frame in self.frames)


@dataclass(eq=False)
class Trace:
    """The replayed step: its operations in order, and which values are the loss, gradients and writes."""

    nodes: list[Node] = field(default_factory=list)
    loss: list[Value] = field(default_factory=list)
    gradients: list[tuple[str, Value]] = field(default_factory=list)
    writes: list[tuple[str, Value]] = field(default_factory=list)
    error: str | None = None
    error_frames: tuple[Frame, ...] = ()
    truncated: bool = False
    objectives: list[Value] = field(default_factory=list)
    """What was differentiated: the loss, with all that the user's own train step adds to it."""
    outputs: list[Value] = field(default_factory=list)
    """What the models called by the step gave: the predictions."""
    penalties: list[Value] = field(default_factory=list)
    """What a loop was given of regularisers that the framework knows, whether or not it came to the loss."""

    def note_error(self, error: BaseException) -> None:
        """The step ended with an error: what it said, and where, innermost first."""
        self.error = str(error)
        frames, tb = [], error.__traceback__
        while tb is not None:
            frames.append((tb.tb_frame.f_code, tb.tb_lasti))
            tb = tb.tb_next
        self.error_frames = tuple(reversed(frames))

    @property
    def raised(self) -> Location | None:
        """The user's expression that raised the error."""
        frame = user_frame(self.error_frames)
        return None if frame is None else locate(frame)

    def producer(self, value: Value) -> Node | None:
        return None if value.producer is None else self.nodes[value.producer]

    def differentiated(self, node: Node) -> Node:
        """The forward operation whose derivative a node computes; the node itself where it is none."""
        while node.forward is not None:
            node = self.nodes[node.forward]
        return node

    def location(self, node: Node) -> Location | None:
        """The user's expression behind a node; for a backward node that of the operation it differentiates."""
        first = self.differentiated(node)
        for candidate in (first, node) if first is not node else (node,):
            frame = user_frame(candidate.frames[: candidate.taken])
            if frame is not None and not (candidate.site and _is_outside(candidate, frame)):
                return locate(frame, candidate.layer)
        return first.site or node.site

    def ancestors(self, value: Value) -> Iterator[Node]:
        """The operations that a value was computed from, latest first, each once."""
        pending = {value.producer} - {None}
        seen: set[int] = set()
        while pending:
            index = max(i for i in pending if i is not None)
            pending.discard(index)
            seen.add(index)
            node = self.nodes[index]
            yield node
            pending.update(v.producer for v in node.inputs if v.producer is not None and v.producer not in seen)

    def roles(self, value: Value) -> set[str]:
        """What a value was computed from: the first word of each leaf's role (`input`, `target`, `weight` ...)."""
        if value.producer is None:
            return {_family(value)}
        found = {_family(value)} - {"constant"}
        for node in self.ancestors(value):
            found.update(_family(v) for v in (*node.inputs, *node.outputs) if v.producer is None or _named(v))
        return found - {"constant", "handle"}

    def consumers(self, value: Value) -> list[Node]:
        return [node for node in self.nodes if any(v is value for v in node.inputs)]

    def descendants(self, node: Node, phase: Phase | None = None) -> Iterator[Node]:
        """The operations that a node's outputs flow into, in order, each once."""
        reached = {id(v) for v in node.outputs}
        for later in self.nodes[node.index + 1 :]:
            if phase is not None and later.phase != phase:
                continue
            if any(id(v) in reached for v in later.inputs):
                reached.update(id(v) for v in later.outputs)
                yield later

    def event(self, node: Node) -> Event:
        """The node as plain data for a report."""
        return Event(
            index=node.index,
            op=node.op,
            kind=node.kind,
            phase=node.phase,
            location=self.location(node),
            forward=node.forward,
            inputs=tuple(_port(v) for v in node.inputs),
            outputs=tuple(_port(v) for v in node.outputs),
        )


def _is_outside(node: Node, frame: Frame) -> bool:
    """Whether a frame only called the model in which a library's layer called the node's own layer."""
    return node.depth is not None and len(node.frames) - node.frames.index(frame) <= node.depth


def _named(value: Value) -> bool:
    return value.role != "constant"


def _family(value: Value) -> str:
    return value.role.split(" ", 1)[0].split("[", 1)[0]


def _port(value: Value) -> Port:
    return Port(producer=value.producer, role=value.role, stats=value.stats)


def as_float64(array: np.ndarray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A copy in double precision, whatever float the framework used (bfloat16 too)."""
    return np.asarray(array).astype(np.float64)
