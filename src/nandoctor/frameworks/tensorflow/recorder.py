"""Records every eager operation of a TensorFlow computation, forward and backward, as a `Trace`.

`op_callbacks` shows each operation with its inputs and outputs; the function that TensorFlow calls to
differentiate an operation is wrapped, so that each backward operation is tied to its forward one.
Both are private API without a public equal (`enable_check_numerics` is built on the first); they are
put in place by a context manager that takes them away again.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.autograph.core import ag_ctx as autograph
from tensorflow.python.eager import backprop
from tensorflow.python.framework import op_callbacks
from tensorflow.python.ops import gen_resource_variable_ops

from nandoctor.findings import Location, Phase
from nandoctor.frameworks.tensorflow.kinds import kind_of
from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.locations import stack, user_frame

VALUES_BUDGET = 1 << 30
"""Bytes of tensors that a trace keeps whole; past it only their statistics stay."""

FEEDING = frozenset({"IteratorGetNext", "IteratorGetNextSync", "OptionalGetValue"})
"""Operations that bring a batch into the step: what they give was made by nobody in it."""

_UNPACKING = frozenset({"DeserializeSparse", "RaggedTensorFromVariant"})
"""Operations that bring what is sparse or ragged: its values in one row after the other, whoever's they are."""

_ALWAYS_KEEP = 1 << 14
_MAX_NODES = 400_000


class Scope(NamedTuple):
    """A layer (or the loss, or the optimizer) that is running.

    `frames` is the height of the stack at its call; `depth` the same where another layer of the library called
    it, not the user's own code: then the line that made it says more than the line that called the outer one.
    """

    name: str
    place: Location | None
    frames: int
    depth: int | None


class Recorder:
    """Fills a `Trace`.

    `updating` and `differentiated` tell it the phase; `scopes` holds, innermost last, the layer (or loss, or
    optimizer) that is running and the line of the user that made it.
    """

    def __init__(self, stop: CodeType | None = None, budget: int = VALUES_BUDGET) -> None:
        self.trace = Trace()
        self.updating = False
        self.differentiated = False
        self.in_gradient = 0
        self.gradient_frames: int | None = None
        self.scopes: list[Scope] = []
        self._stop = stop
        self._room = budget
        self._values: dict[int, Value] = {}
        self._kept: list[Any] = []
        self._variables: dict[int, Value] = {}
        self._contents: dict[int, Value] = {}
        self._names: dict[int, tuple[str, tf.Variable]] = {}
        self._by_output: dict[int, int] = {}
        self._by_inputs: dict[tuple[str, tuple[int | None, ...]], int] = {}
        self._differentiating: list[int | None] = []

    def name_variable(self, role: str, variable: tf.Variable) -> None:
        """Say what a variable is: `weight dense/kernel`, `state bn/moving_mean`, `slot adam/m`."""
        key = int(variable.handle._id)
        self._names[key] = (role, variable)
        if variable.dtype not in (tf.resource, tf.variant, tf.string):
            content = variable.read_value()
            self._hold(key, self._new_value(content), content)
            self._variables[key].role = role

    def rename_variable(self, role: str, variable: tf.Variable) -> None:
        """Say what a variable is that was perhaps read already."""
        key = int(variable.handle._id)
        if key not in self._names and key in self._variables:
            self._names[key] = (role, variable)
            self._variables[key].role = role
        elif key not in self._names:
            self.name_variable(role, variable)

    def name_tensor(self, role: str, tensor: Any, rows: np.ndarray | None = None) -> None:
        """Say what a tensor that no recorded operation made is: `input[0]`, `target`; `rows`: see `Value`."""
        value = self.value(tensor)
        value.role, value.rows = role, rows

    def value(self, tensor: Any) -> Value:
        """The `Value` of an eager tensor."""
        key = int(tensor._id)
        if key not in self._values:
            self._values[key] = self._read_unseen(tensor) or self._new_value(tensor)
        return self._values[key]

    def _read_unseen(self, tensor: Any) -> Value | None:
        """A variable that an operation was given as it is: TensorFlow reads it without telling any callback."""
        found = self._contents.get(address(tensor) or -1)
        return found if found is not None and found.shape == tuple(tensor.shape) else None

    def _hold(self, handle: int, value: Value, content: Any) -> None:
        """What a variable holds now. The tensor is kept, so that nothing else can be where it is."""
        self._kept.append(content)
        self._variables[handle] = value
        if (memory := address(content)) is not None:
            self._contents[memory] = value

    def _new_value(self, tensor: Any, producer: int | None = None) -> Value:
        array = _as_numpy(tensor)
        shape = tuple(int(n) for n in tensor.shape) if array is None else array.shape
        role = "handle" if tensor.dtype == tf.resource else "constant"
        value = Value(int(tensor._id), array, shape, tensor.dtype.name, producer, role)
        if array is not None and array.nbytes > _ALWAYS_KEEP:
            self._room -= array.nbytes
            if self._room < 0:
                value.drop()
        return value

    def mark_written(self) -> None:
        """List, as the trace's writes, what each named variable that was written holds now."""
        for handle, (role, _) in self._names.items():
            value = self._variables.get(handle)
            if value is not None and value.producer is not None:
                self.trace.writes.append((role, value))

    # -- what TensorFlow calls ------------------------------------------------------------------

    def on_op(self, op: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        """An op callback: one eager operation has run."""
        if graph is not None or len(self.trace.nodes) >= _MAX_NODES:
            self.trace.truncated = self.trace.truncated or graph is None
            return
        op = op.decode() if isinstance(op, bytes) else str(op)
        if op == "ReadVariableOp":
            self._values[int(outputs[0]._id)] = self._content(inputs[0], outputs[0])
        elif op in FEEDING:
            for n, tensor in enumerate(outputs):
                self.name_tensor(f"fed[{n}]", tensor)
        elif op in _UNPACKING:
            for n, tensor in enumerate(outputs):
                self.name_tensor(f"fed[{n}]", tensor, np.zeros(0, np.int64))
        elif op not in ("VarHandleOp", "VarIsInitializedOp", "DestroyResourceOp"):
            self._add_node(op, list(inputs), list(outputs))

    def _content(self, handle: Any, read: Any) -> Value:
        """What a variable holds: a named leaf until it is written in this step, then the written value."""
        key = int(handle._id)
        if key not in self._variables:
            value = self._new_value(read)
            value.role = self._names[key][0] if key in self._names else "state variable"
            self._hold(key, value, read)
        return self._variables[key]

    def _add_node(self, op: str, inputs: list[Any], outputs: list[Any]) -> None:
        index = len(self.trace.nodes)
        kind = kind_of(op)
        sources = tuple(self._source(tensor) for tensor in inputs)
        made = []
        for tensor in outputs:
            value = self._new_value(tensor, index)
            self._values[value.key] = value
            self._by_output[value.key] = index
            made.append(value)
        if kind == "write" and inputs and inputs[0].dtype == tf.resource:
            made.append(self._write(inputs[0], index))
        forward = self._differentiating[-1] if self._differentiating else None
        frames = stack(sys._getframe(2), self._stop)
        node = Node(
            index=index,
            op=op,
            kind=kind,
            phase=self._phase(),
            frames=frames,
            inputs=sources,
            outputs=tuple(made),
            layer="/".join(scope.name for scope in self.scopes) or None,
            site=next((s.place for s in reversed(self.scopes) if s.place is not None), None),
            depth=self.scopes[-1].depth if self.scopes else None,
            forward=forward,
            taken=None if self.gradient_frames is None else len(frames) - self.gradient_frames,
        )
        self.trace.nodes.append(node)
        self._by_inputs[op, tuple(int(t._id) for t in inputs)] = index

    def height(self) -> int:
        """How many frames are on the stack of the caller."""
        return len(stack(sys._getframe(1), self._stop))

    def _phase(self) -> Phase:
        """After a gradient was taken and while no tape is open, what runs prepares or makes the update."""
        if self.in_gradient:
            return "backward"
        if self.updating or (self.differentiated and pywrap_tfe.TFE_Py_TapeSetIsEmpty()):
            return "update"
        return "forward"

    @contextlib.contextmanager
    def scope(self, name: str, place: Location | None) -> Iterator[None]:
        """What runs inside belongs to a layer (or the loss, or the optimizer), made at `place`."""
        frames = stack(sys._getframe(2), self._stop)
        outer = self.scopes[-1].frames if self.scopes else None
        between = frames if outer is None else frames[: len(frames) - outer]
        called_by_library = outer is not None and user_frame(between) is None
        self.scopes.append(Scope(name, place, len(frames), len(frames) if called_by_library else None))
        try:
            yield
        finally:
            self.scopes.pop()

    def _source(self, tensor: Any) -> Value:
        if tensor.dtype == tf.resource and int(tensor._id) in self._variables:
            return self._variables[int(tensor._id)]
        return self.value(tensor)

    def _write(self, handle: Any, index: int) -> Value:
        key = int(handle._id)
        if key in self._names:
            dtype = self._names[key][1].dtype
        else:
            previous = self._variables.get(key)
            dtype = tf.dtypes.as_dtype(previous.dtype) if previous else tf.float32
        try:
            content = gen_resource_variable_ops.read_variable_op(handle, dtype)
        except tf.errors.OpError:  # a variable that the user made inside the step, of another dtype
            return Value(-index - 1, None, (), dtype.name, index)
        value = self._new_value(content, index)
        value.role = self._names[key][0] if key in self._names else "state variable"
        self._hold(key, value, content)
        return value

    def differentiate(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """TensorFlow's gradient function, wrapped to tell which operation it differentiates."""

        def gradient(op_name: str, attrs: Any, num_inputs: int, inputs: Any, outputs: Any, *rest: Any) -> Any:
            self._differentiating.append(self._forward_of(op_name, inputs, outputs))
            try:
                return original(op_name, attrs, num_inputs, inputs, outputs, *rest)
            finally:
                self._differentiating.pop()

        return gradient

    def _forward_of(self, op: str, inputs: Any, outputs: Any) -> int | None:
        """TensorFlow leaves out the inputs or outputs that a gradient does not need."""
        for tensor in outputs or ():
            index = self._by_output.get(int(getattr(tensor, "_id", -1)))
            if index is not None:
                return index
        keys = tuple(None if t is None else int(getattr(t, "_id", -1)) for t in inputs or ())
        if None not in keys and (op, keys) in self._by_inputs:
            return self._by_inputs[op, keys]
        return self._similar(op, keys)

    def _similar(self, op: str, keys: tuple[int | None, ...]) -> int | None:
        for node in reversed(self.trace.nodes):
            if node.op == op and len(node.inputs) == len(keys):
                known = [(v, key) for v, key in zip(node.inputs, keys, strict=True) if key is not None]
                if known and all(self._values.get(key) is v for v, key in known):
                    return node.index
        return None


def name_leaf(recorder: Recorder, role: str, leaf: Any) -> None:
    """Say what a part of a batch is, also of one that is ragged or sparse."""
    if isinstance(leaf, tf.Tensor):
        recorder.name_tensor(role, leaf)
    elif isinstance(leaf, tf.SparseTensor):
        recorder.name_tensor(role, leaf.values, leaf.indices.numpy()[:, 0])
    elif isinstance(leaf, tf.RaggedTensor):
        rows = np.arange(int(leaf.nrows()))
        for ids in leaf.nested_value_rowids():
            rows = rows[ids.numpy()]
        recorder.name_tensor(role, leaf.flat_values, rows)


def address(tensor: Any) -> int | None:
    """Where an eager tensor's numbers lie in the host's memory; None where they do not, or where it has none."""
    if tensor.dtype in (tf.resource, tf.variant, tf.string) or "CPU" not in (tensor.device or "CPU"):
        return None
    try:
        array = tensor._numpy()
    except (NotImplementedError, AttributeError, tf.errors.OpError):
        return None
    return int(array.ctypes.data) if isinstance(array, np.ndarray) and array.size else None


def _as_numpy(tensor: Any) -> np.ndarray | None:
    if tensor.dtype in (tf.resource, tf.variant, tf.string):
        return None
    try:
        return np.asarray(tensor._numpy())  # `numpy` copies
    except (NotImplementedError, AttributeError, tf.errors.OpError):
        return None


def not_converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ours that AutoGraph shall call as it is, wherever the user's converted code meets it."""
    return tf.autograph.experimental.do_not_convert(function)  # type: ignore[no-any-return]


def unconverted() -> contextlib.AbstractContextManager[Any]:
    """While inside, AutoGraph leaves functions as the user wrote them, also methods that it had converted before."""
    return autograph.ControlStatusCtx(autograph.Status.DISABLED)  # type: ignore[no-any-return]


@contextlib.contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Run what is inside eagerly, each operation told to the recorder; all is put back at the end."""
    eager_before = tf.config.functions_run_eagerly()
    gradient = backprop._gradient_function
    tf.config.run_functions_eagerly(True)
    pywrap_tfe.TFE_Py_RegisterGradientFunction(recorder.differentiate(gradient))
    op_callbacks.add_op_callback(recorder.on_op)
    try:
        yield recorder
    finally:
        op_callbacks.remove_op_callback(recorder.on_op)
        pywrap_tfe.TFE_Py_RegisterGradientFunction(gradient)
        tf.config.run_functions_eagerly(eager_before)


@contextlib.contextmanager
def marking_gradients(recorder: Recorder, losses: list[Any], taken: list[tuple[Any, Any]]) -> Iterator[None]:
    """While inside, `GradientTape.gradient` sets the phase to backward and notes what was differentiated.

    `taken` gets each source with its gradient, where there is one.
    """
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        losses.extend(_tensors(target))
        outer, recorder.gradient_frames = recorder.gradient_frames, recorder.height()
        recorder.in_gradient += 1
        try:
            gradients = original(tape, target, sources, *args, **kwargs)
        finally:
            recorder.in_gradient -= 1
            recorder.gradient_frames = outer
            recorder.differentiated = True
        pairs = zip(tf.nest.flatten(sources), tf.nest.flatten(gradients), strict=False)
        taken.extend((source, gradient) for source, gradient in pairs if gradient is not None)
        return gradients

    tf.GradientTape.gradient = gradient
    try:
        yield
    finally:
        tf.GradientTape.gradient = original


def _tensors(target: Any) -> Sequence[Any]:
    return [t for t in tf.nest.flatten(target) if hasattr(t, "_id")]
