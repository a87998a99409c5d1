"""What a Keras model says of the data it takes, and how a saved one is loaded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from nandoctor.audit.wishes import ModelFacts
from nandoctor.errors import NandoctorError

_SCALERS = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.UnitNormalization,
)
_KEEPS_SCALE = (
    keras.layers.InputLayer,
    keras.layers.Identity,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.RepeatVector,
    keras.layers.Masking,
    keras.layers.Dropout,
    keras.layers.GaussianNoise,
    keras.layers.Resizing,
    keras.layers.CenterCrop,
    keras.layers.RandomCrop,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Concatenate,
)
"""Layers behind which numbers are as large as before. What else stands before the first weights may scale them."""

_PASSES_ON = (keras.layers.Reshape, keras.layers.Permute, keras.layers.Dropout, keras.layers.Identity)
"""Layers at the end whose units and activation are those of the layer before."""

_STEPS = (0, 1, 10, 100, 1_000, 10_000)
"""Where a schedule is asked for its rate: the largest counts."""


def facts_of(model: Any) -> ModelFacts:
    """Of a `keras.Model`, built or not, compiled or not."""
    layers = list(_layers(model))
    last = _last_layer(model)
    optimizer = getattr(model, "optimizer", None)
    return ModelFacts(
        outputs=_outputs(model, last),
        input_shape=_input_shape(model),
        # a frozen one normalises by what it has learnt, whatever the batch
        batch_norm=any(isinstance(layer, keras.layers.BatchNormalization) and layer.trainable for layer in layers),
        rescales=_rescales(model, layers),
        dtype=next((layer.compute_dtype for layer in layers if layer.compute_dtype in ("float16", "bfloat16")), "")
        or "float32",
        last_activation=_activation(last),
        learning_rate=None if optimizer is None else _rate(optimizer),
        optimizer=None if optimizer is None else type(getattr(optimizer, "inner_optimizer", optimizer)).__name__,
    )


def load(file: str) -> tuple[Any, str]:
    """A saved model, and what could not be loaded of it; no code of the file's is run.

    Raises:
        NandoctorError: it is no model, or has layers of the user's own.
    """
    if not Path(file).exists():
        raise NandoctorError(f"there is no model {file}.")
    try:
        return keras.saving.load_model(file, safe_mode=True), ""
    except Exception as error:
        try:
            model = keras.saving.load_model(file, compile=False, safe_mode=True)
        except Exception:
            raise NandoctorError(
                f"the model {file} cannot be loaded: {_told(error)}. A model with layers of your own is given as "
                "MODULE:NAME, a function that makes it."
            ) from error
        return model, f"{file}: its loss and optimizer could not be loaded ({_told(error)}): say --loss."


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].partition(". ")[0].rstrip(".") if lines else type(error).__name__


def _layers(layer: Any) -> Iterator[Any]:
    """Those inside, at any depth, in the order in which they were made."""
    for inner in layer._flatten_layers(include_self=False, recursive=True):
        if not isinstance(inner, keras.layers.InputLayer):
            yield inner


def _last_layer(model: Any) -> Any:
    """The one that makes the only output; None where there are several, or the model is code."""
    if isinstance(model, keras.Sequential):
        return _behind_passing(list(model.layers))
    outputs: Any = getattr(model, "outputs", None)
    if not _is_graph(model) or not outputs or len(outputs) != 1:
        return None
    tensor = outputs[0]
    while True:
        operation, node = tensor._keras_history[:2]
        if isinstance(operation, keras.Model):
            return _last_layer(operation)
        before = operation._inbound_nodes[node].input_tensors
        if not isinstance(operation, _PASSES_ON) or len(before) != 1:
            return operation
        tensor = before[0]


def _behind_passing(layers: list[Any]) -> Any:
    for layer in reversed(layers):
        if isinstance(layer, keras.Model):
            return _last_layer(layer)
        if not isinstance(layer, _PASSES_ON):
            return layer
    return None


def _is_graph(model: Any) -> bool:
    return hasattr(model, "_nodes_by_depth") and hasattr(model, "inputs")


def _outputs(model: Any, last: Any) -> int | None:
    shape: Any = getattr(model, "output_shape", None) if getattr(model, "built", False) and _has_shapes(model) else None
    if isinstance(shape, tuple) and len(shape) > 1 and not isinstance(shape[0], tuple):
        axis = 1 if getattr(last, "data_format", None) == "channels_first" else -1
        return shape[axis] if isinstance(shape[axis], int) else None
    found = getattr(last, "units", None) or getattr(last, "filters", None)
    return found if isinstance(found, int) else None


def _has_shapes(model: Any) -> bool:
    """Whether it is a graph of tensors, that are known before it is called; a dict of outputs has no one shape."""
    outputs: Any = getattr(model, "outputs", None)
    return bool(outputs) and len(outputs) == 1 and hasattr(outputs[0], "shape")


def _input_shape(model: Any) -> tuple[int | None, ...] | None:
    inputs: Any = getattr(model, "inputs", None)
    return tuple(inputs[0].shape[1:]) if inputs and len(inputs) == 1 else None


def _activation(last: Any) -> str | None:
    if isinstance(last, keras.layers.Softmax):
        return "softmax"
    activation = getattr(last, "activation", None)
    return getattr(activation, "__name__", None) if activation is not None else None


def _rescales(model: Any, layers: list[Any]) -> bool:
    """Whether something before the first weights may bring the inputs to another scale.

    An embedding, too: it looks its inputs up. A model that is code is asked for layers that are there for scaling.
    """
    if isinstance(model, keras.Sequential):
        return _begins_scaled(iter(model.layers))
    if _is_graph(model) and model.inputs:
        return any(_is_scaled(tensor, model) for tensor in model.inputs)
    return any(isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization)) for layer in layers)


def _begins_scaled(layers: Iterator[Any]) -> bool:
    for layer in layers:
        if isinstance(layer, keras.Model):
            return _rescales(layer, list(_layers(layer)))
        if not isinstance(layer, _KEEPS_SCALE):
            return _may_scale(layer)
    return False


def _may_scale(operation: Any) -> bool:
    if isinstance(operation, (*_SCALERS, keras.layers.Embedding)):
        return True
    if not getattr(operation, "built", True):
        return not any(hasattr(operation, name) for name in ("units", "filters", "kernel_size"))
    return not getattr(operation, "weights", ())


def _is_scaled(tensor: Any, model: Any) -> bool:
    """Whether what takes this input first, and has weights or may scale, scales."""
    waiting, seen = [tensor], set()
    while waiting:
        wanted = waiting.pop()
        for node in itertools.chain.from_iterable(model._nodes_by_depth.values()):
            if id(node) in seen or not any(wanted is given for given in node.input_tensors):
                continue
            seen.add(id(node))
            operation = node.operation
            if isinstance(operation, keras.Model):
                if _rescales(operation, list(_layers(operation))):
                    return True
            elif isinstance(operation, _KEEPS_SCALE):
                waiting += node.output_tensors
            elif _may_scale(operation):
                return True
    return False


def _rate(optimizer: Any) -> float | None:
    """Of a schedule the largest that it gives in a training of usual length."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return max(float(keras.ops.convert_to_numpy(rate(step))) for step in _STEPS)
    try:
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    except (AttributeError, TypeError, ValueError):
        return None
