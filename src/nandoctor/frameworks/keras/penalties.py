"""What a Keras model adds to its loss beside the error: regularisers, `add_loss`, and the decay of weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.findings import Location
from nandoctor.frameworks.keras import regularisers, sites
from nandoctor.frameworks.keras.changes import inner_optimizers
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Penalty
from nandoctor.frameworks.tensorflow.recorder import Recorder
from nandoctor.trace.graph import Value
from nandoctor.trace.locations import locate, stack, user_frame


def of_variable(variable: Any, value: float, layer: Location | None) -> Penalty:
    """The regulariser of a variable; `layer`: the user's line that made its layer."""
    place = regularisers.set_at(variable) or sites.variable_made_at(variable) or layer
    place = sites.argument_at(place, f"{variable.name}_regularizer") or place
    place = sites.only_call_of(type(variable.regularizer), place) or place
    coefficient = getattr(variable.regularizer, "l2", None)
    known = None if coefficient is None else float(coefficient)
    name = "/".join(variable.path.split("/")[-2:])
    return Penalty(f"the regulariser of {name}", value, known, location=place)


def penalties_of(model: Any, x: Any, optimizer: Location | None) -> list[Penalty]:
    """Every regulariser of a model, with what it adds in the present state for these inputs."""
    lines: dict[int, Location] = {}
    _forward(model, x, lines)
    found = []
    for layer in model._flatten_layers():
        for loss in layer._get_own_losses():
            place = lines.get(id(loss)) or sites.made_at(layer)
            found.append(Penalty(f"the penalty of {layer.name}", _number(loss), location=place))
        found += [
            of_variable(variable, _number(variable.regularizer(variable)), sites.made_at(layer))
            for variable in layer._trainable_variables
            if variable.regularizer is not None
        ]
    model._clear_losses()
    return found + decays(inner_optimizers(model), optimizer)


def _forward(model: Any, x: Any, lines: dict[int, Location]) -> None:
    """Run the model, and note the user's line behind each `add_loss` of a layer of theirs."""
    original = keras.layers.Layer.add_loss
    stop: CodeType = _forward.__code__

    def add_loss(layer: Any, loss: Any) -> None:
        frame = user_frame(stack(sys._getframe(1), stop))
        if frame is not None:
            lines.update({id(part): locate(frame) for part in keras.tree.flatten(loss)})
        original(layer, loss)

    with patched(keras.layers.Layer, "add_loss", add_loss):
        model(x, training=True) if model._call_has_training_arg else model(x)


@contextlib.contextmanager
def noting(recorder: Recorder, noted: list[tuple[Value, Penalty]]) -> Iterator[None]:
    """While inside, what a loop is given of regularisers and `add_loss` (`model.losses`) is noted as recorded."""
    original = keras.layers.Layer.losses.fget

    def losses(layer: Any) -> list[Any]:
        given = original(layer)
        if tf.executing_eagerly():
            found = [(recorder.value(tensor), penalty) for tensor, penalty in _each(layer, given)]
            recorder.trace.penalties.extend(value for value, _ in found)
            noted.extend(found)
        return given  # type: ignore[no-any-return]

    with patched(keras.layers.Layer, "losses", property(losses)):
        yield


def _each(layer: Any, given: list[Any]) -> Iterator[tuple[Any, Penalty]]:
    """What the losses of a layer are, in the order in which it gives them: those of outputs, those of weights."""
    added = {id(t): inner for inner in layer._flatten_layers() for t in inner._get_own_losses()}
    regularised = [v for v in layer.trainable_weights if v.regularizer is not None]
    for tensor in given:
        if (inner := added.get(id(tensor))) is not None:
            yield tensor, Penalty(f"the penalty of {inner.name}", 0.0, location=sites.made_at(inner))
    of_weights = given[max(len(given) - len(regularised), 0) :]
    for tensor, variable in zip(of_weights, regularised, strict=False):
        yield tensor, of_variable(variable, 0.0, sites.layer_of_variable_made_at(variable.value))


def decays(optimizers: Sequence[Any], place: Location | None = None) -> list[Penalty]:
    """The weight decay of optimizers; `place`: of one whose making was not noted."""
    return [
        Penalty(f"the weight decay of {o.name}", 0.0, float(o.weight_decay), True, sites.made_at(o) or place)
        for o in optimizers
        if isinstance(o.weight_decay, (int, float)) and o.weight_decay
    ]


def _number(tensor: Any) -> float:
    return float(np.asarray(keras.ops.convert_to_numpy(keras.ops.sum(tensor)), dtype=np.float64))
