"""What a Keras model adds to its loss beside the error: regularisers, `add_loss`, and the decay of weights."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

import keras
import numpy as np

from nandoctor.findings import Location
from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.keras.changes import inner_optimizers
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Penalty
from nandoctor.trace.locations import locate, stack, user_frame


def penalties_of(model: Any, x: Any, optimizer: Location | None) -> list[Penalty]:
    """Every regulariser of a model, with what it adds in the present state for these inputs."""
    lines: dict[int, Location] = {}
    _forward(model, x, lines)
    found = []
    for layer in model._flatten_layers():
        for loss in layer._get_own_losses():
            place = lines.get(id(loss)) or sites.made_at(layer)
            found.append(Penalty(f"the penalty of {layer.name}", _number(loss), location=place))
        for variable in (*layer._trainable_variables,):
            if variable.regularizer is not None:
                place = sites.variable_made_at(variable) or sites.made_at(layer)
                place = sites.only_call_of(type(variable.regularizer), place) or place
                coefficient = getattr(variable.regularizer, "l2", None)
                value = _number(variable.regularizer(variable))
                known = None if coefficient is None else float(coefficient)
                found.append(Penalty(f"the regulariser of {layer.name}/{variable.name}", value, known, location=place))
    model._clear_losses()
    return found + _decays(model, optimizer)


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


def _decays(model: Any, place: Location | None) -> list[Penalty]:
    return [
        Penalty(f"the weight decay of {o.name}", 0.0, float(o.weight_decay), True, sites.made_at(o) or place)
        for o in inner_optimizers(model)
        if isinstance(o.weight_decay, (int, float)) and o.weight_decay
    ]


def _number(tensor: Any) -> float:
    return float(np.asarray(keras.ops.convert_to_numpy(keras.ops.sum(tensor)), dtype=np.float64))
