"""The user's step, run once under the recorder, with its layers, loss, gradients and writes marked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from nandoctor.findings import Location
from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.keras.batches import leaves
from nandoctor.frameworks.keras.gate import optimizers_of
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.finite import dense
from nandoctor.frameworks.tensorflow.recorder import Recorder, marking_gradients, name_leaf, recording, unconverted


class Places(NamedTuple):
    """The user's lines that compiled the model and made its optimizer."""

    compiled: Location | None
    optimizer: Location | None


def run_recorded(
    model: Any,
    step: Callable[[Any], Any],
    places: Places,
    recorder: Recorder,
    data: Any,
    variables: Mapping[str, Any],
) -> None:
    """The user's step under the recorder, with its loss, gradients and writes marked in the trace."""
    trace = recorder.trace
    for role, variable in variables.items():
        recorder.name_variable(role, variable.value if isinstance(variable, keras.Variable) else variable)
    for role, leaf in leaves(data):
        name_leaf(recorder, role, leaf)
    differentiated: list[Any] = []
    taken: list[tuple[Any, Any]] = []
    computed: list[Any] = []
    logs: Any = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(marking_layers(recorder))
        stack.enter_context(_marking_loss(model, places, recorder, computed))
        stack.enter_context(_marking_updates(model, places, recorder))
        stack.enter_context(marking_gradients(recorder, differentiated, taken))
        stack.enter_context(recording(recorder))
        stack.enter_context(unconverted())
        try:
            logs = step(data)
        except Exception as error:
            trace.note_error(error)
    trace.loss = [recorder.value(t) for t in (computed or differentiated or _losses(logs))]
    trace.objectives = [recorder.value(t) for t in differentiated]
    if not trace.gradients:  # no optimizer was given any: they are added up over several steps
        trace.gradients = [(path_of(v), recorder.value(dense(g))) for v, g in taken if hasattr(dense(g), "_id")]
    recorder.mark_written()


def _losses(logs: Any) -> list[Any]:
    """The losses that a step returned, of one that neither computes the compiled loss nor differentiates."""
    if not isinstance(logs, Mapping):
        return []
    return [t for name, t in logs.items() if "loss" in str(name) and isinstance(t, tf.Tensor)]


@contextlib.contextmanager
def marking_layers(recorder: Recorder) -> Iterator[None]:
    """While inside, each layer that runs tells the recorder its name, and the line that made it."""
    original = keras.layers.Layer.__call__

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.scope(layer.name, sites.made_at(layer)):
            outputs = original(layer, *args, **kwargs)
        if len(recorder.scopes) == 0:
            flat = [t for t in keras.tree.flatten(outputs) if isinstance(t, tf.Tensor)]
            recorder.trace.outputs.extend(recorder.value(t) for t in flat)
        return outputs

    with patched(keras.layers.Layer, "__call__", call):
        yield


@contextlib.contextmanager
def _marking_loss(model: Any, places: Places, recorder: Recorder, computed: list[Any]) -> Iterator[None]:
    original = model.compute_loss

    def compute_loss(*args: Any, **kwargs: Any) -> Any:
        with recorder.scope("loss", places.compiled):
            loss = original(*args, **kwargs)
        computed.extend(t for t in keras.tree.flatten(loss) if isinstance(t, tf.Tensor))
        return loss

    with patched(model, "compute_loss", compute_loss):
        yield


@contextlib.contextmanager
def _marking_updates(model: Any, places: Places, recorder: Recorder) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for optimizer in optimizers_of(model):
            stack.enter_context(patched(optimizer, "apply", _marked_apply(places, recorder, optimizer)))
        yield


def _marked_apply(places: Places, recorder: Recorder, optimizer: Any) -> Callable[..., Any]:
    apply = optimizer.apply

    def marked(grads: Any, trainable_variables: Any = None) -> Any:
        grads = list(grads)
        targets = optimizer._trainable_variables if trainable_variables is None else list(trainable_variables)
        for gradient, variable in zip(grads, targets, strict=False):
            if gradient is not None:
                recorder.trace.gradients.append((path_of(variable), recorder.value(dense(gradient))))
        before, recorder.updating = recorder.updating, True
        try:
            with recorder.scope("optimizer", places.optimizer or places.compiled):
                return apply(grads, trainable_variables)
        finally:
            recorder.updating = before

    return marked


def path_of(variable: Any) -> str:
    """A variable's name with those of its layers."""
    return str(getattr(variable, "path", None) or getattr(variable, "name", "a tensor"))
