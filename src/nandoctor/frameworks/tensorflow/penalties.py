"""An experiment on a loop of the user's own: the loss that is differentiated, less what it adds of the weights alone.

A penalty is known by what it is computed from, not by how it is written: the weights that the tape is asked for and
plain numbers, by sums, products and powers. Of a compiled function the graph tells that; of what runs operation by
operation a note is kept of each one. If nothing would be left of a loss, it is no loss with a penalty, and stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.eager import tape as tapes
from tensorflow.python.framework import op_callbacks

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.kinds import kind_of
from nandoctor.frameworks.tensorflow.loops import as_variable
from nandoctor.frameworks.tensorflow.recorder import address, not_converted
from nandoctor.trace.terms import PENALISING

_FARTHEST = 400

Maker = tuple[str, Sequence[Any]]
"""The kind of the operation that made a tensor, and what it was given."""


class WithoutPenalties:
    """Use `watching` around the run of a script, and `objective` for what its tapes differentiate."""

    def __init__(self) -> None:
        self._makers: dict[int, tuple[str, Sequence[Any], Any]] = {}
        self.made = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[WithoutPenalties]:
        """While inside, each operation that runs in Python is noted, until the next tape is opened."""
        push = tf.GradientTape._push_tape

        @not_converted
        def pushed(tape: Any) -> None:
            if pywrap_tfe.TFE_Py_TapeSetIsEmpty():
                self._makers.clear()
            push(tape)

        with patched(tf.GradientTape, "_push_tape", pushed):
            op_callbacks.add_op_callback(self._note)
            try:
                yield self
            finally:
                op_callbacks.remove_op_callback(self._note)

    def _note(self, op: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        if graph is None and not pywrap_tfe.TFE_Py_TapeSetIsEmpty():
            name = op.decode() if isinstance(op, bytes) else str(op)
            for tensor in outputs:  # with the tensor, so that its number is not given to another
                self._makers[_key(tensor)] = name, tuple(inputs), tensor

    def objective(self, tape: Any, target: Any, sources: Any) -> Any:
        """What a tape shall differentiate instead of a loss."""
        if not isinstance(target, tf.Tensor) or _size(target) != 1 or tape._tape is None:
            return target
        tree = _Loss(self._maker, *_known(sources))
        if tree.is_penalty(target):
            return target
        with _recording(tape):
            left = tree.pruned(target)
        if left is None or left is target:
            return target
        self.made = True
        return left

    def _maker(self, tensor: Any) -> Maker | None:
        if not tf.is_symbolic_tensor(tensor):
            name, inputs, _ = self._makers.get(_key(tensor), ("", (), None))
            return (name, inputs) if name else None
        op = tensor.op
        return None if op.type in ("Placeholder", "Const") else (op.type, tuple(op.inputs))


class _Loss:
    """A loss as the tree of its sums."""

    def __init__(self, maker: Any, handles: frozenset[int], memory: frozenset[int | None]) -> None:
        self._maker = maker
        self._weights = handles
        self._memory = memory

    def pruned(self, tensor: Any) -> Any:
        """The tensor less its penalties; the tensor itself where it has none, None where it has nothing else."""
        if self.is_penalty(tensor):
            return None
        name, inputs = self._maker(tensor) or ("", ())
        kind = kind_of(name)
        if kind == "add" and all(_size(part) == 1 for part in inputs):
            return self._sum(tensor, inputs)
        if kind in ("mul", "div") and _size(tensor) == 1 and len(inputs) == 2:
            return self._scaled(tensor, kind, inputs)
        if (name in ("Identity", "Cast", "Reshape", "Squeeze", "ExpandDims") or kind in ("mean", "sum")) and inputs:
            return self._passed_on(tensor, inputs[0])
        return tensor

    def _sum(self, tensor: Any, parts: Sequence[Any]) -> Any:
        left = [self.pruned(part) for part in parts]
        if all(a is b for a, b in zip(left, parts, strict=True)):
            return tensor
        some = [tf.reshape(part, tensor.shape) for part in left if part is not None]
        return tf.add_n(some) if some else None

    def _scaled(self, tensor: Any, kind: str, inputs: Sequence[Any]) -> Any:
        """A product with, or a quotient by, what no weight takes part in."""
        for part, factor in (inputs, inputs[::-1]) if kind == "mul" else (inputs,):
            if _size(part) == 1 and self._is_free(factor):
                left = self.pruned(part)
                if left is part or left is None:
                    return tensor if left is part else None
                return left * factor if kind == "mul" else left / factor
        return tensor

    def _passed_on(self, tensor: Any, part: Any) -> Any:
        if _size(part) != 1 or not part.dtype.is_floating:
            return tensor
        left = self.pruned(part)
        if left is part or left is None:
            return tensor if left is part else None
        return tf.reshape(tf.cast(left, tensor.dtype), tensor.shape)

    def is_penalty(self, tensor: Any) -> bool:
        """Whether it is computed from weights, and otherwise from plain numbers, by what penalties are made of."""
        met_weight = False
        for node, leaf in self._behind(tensor):
            if self._is_weight(node, leaf):
                met_weight = True
            elif (node is not None and kind_of(node[0]) not in PENALISING) or (leaf is not None and _holds_data(leaf)):
                return False
        return met_weight

    def _is_weight(self, node: Maker | None, leaf: Any) -> bool:
        """Whether it reads a weight; one that is handed to an operation as it is is read unseen."""
        if leaf is None:
            return node is not None and node[0] == "ReadVariableOp" and _key(node[1][0]) in self._weights
        return bool(self._memory) and leaf.dtype.is_floating and address(leaf) in self._memory

    def _is_free(self, tensor: Any) -> bool:
        """Whether no weight takes part in it."""
        return all(
            not self._is_weight(node, leaf) and (node is None or node[0] in _SIMPLE)
            for node, leaf in self._behind(tensor)
        )

    def _behind(self, tensor: Any) -> Iterator[tuple[Maker | None, Any]]:
        """What it was computed from: each operation, and each tensor that none made. An endless walk is of nothing."""
        pending, seen = [tensor], set[int]()
        while pending:
            tensor = pending.pop()
            if _key(tensor) in seen:
                continue
            seen.add(_key(tensor))
            node = self._maker(tensor)
            if len(seen) > _FARTHEST:
                yield ("too far", ()), None
                return
            yield node, tensor if node is None else None
            if node is not None and node[0] != "ReadVariableOp":
                pending.extend(node[1])


_SIMPLE = frozenset({"ReadVariableOp", "Mul", "RealDiv", "Cast", "Identity", "Reshape", "Pow", "Reciprocal"})
"""Of what a factor of a loss is computed that is no part of the model (a loss scale, a count)."""


def _holds_data(leaf: Any) -> bool:
    return bool(leaf.dtype.is_floating) and _size(leaf) != 1


def _size(tensor: Any) -> int | None:
    return tensor.shape.num_elements() if isinstance(tensor, tf.Tensor) else None


def _key(tensor: Any) -> int:
    return int(tensor._id)


def _known(sources: Any) -> tuple[frozenset[int], frozenset[int | None]]:
    """The handles of variables, as they are seen where this runs, and where in memory their numbers are."""
    variables = [v for v in map(as_variable, tf.nest.flatten(sources)) if isinstance(v, tf.Variable)]
    if tf.executing_eagerly():
        memory = frozenset(address(v.read_value()) for v in variables) - {None}
        return frozenset(_key(v.handle) for v in variables), memory
    capture = tf.compat.v1.get_default_graph().capture
    return frozenset(_key(capture(v.handle)) for v in variables), frozenset()


@contextlib.contextmanager
def _recording(tape: Any) -> Iterator[None]:
    """While inside, a tape records on."""
    if tape._recording:
        yield
        return
    tapes.push_tape(tape._tape)
    try:
        yield
    finally:
        tapes.pop_tape(tape._tape)
