"""Where the user's source sets a regulariser after the layer was made: it is that line that asks for the penalty.

A weight is given one (`layer.kernel.regularizer = ...`), or a layer is (`layer.kernel_regularizer = ...`). The latter
comes to a weight where the layer is built only afterwards, or where the model is made anew from its configuration; of
a layer that is built already Keras takes no notice of it. So a layer's is believed only where the weight has the like.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from nandoctor.findings import Location
from nandoctor.frameworks.patching import patched
from nandoctor.trace.locations import Frame, assigned, stack, user_frame


class _OfLayer(NamedTuple):
    """What a layer was given: kept without the layer, since a model that is made anew is another one."""

    regularizer: Any
    frame: Frame


_OF_VARIABLES: dict[int, tuple[weakref.ref[Any], Frame]] = {}
_OF_LAYERS: dict[tuple[str, str], _OfLayer] = {}
"""By the names of the layer and of the attribute."""


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """While inside, remember the user's line behind each regulariser that is set later."""
    variable, layer = keras.Variable, keras.layers.Layer
    with (
        patched(variable, "regularizer", _noting_variable(variable.regularizer)),
        patched(layer, "__setattr__", _noting_layer(layer.__setattr__)),
    ):
        yield


def _noting_variable(own: Any) -> property:
    def regularizer(variable: Any, value: Any) -> None:
        own.fset(variable, value)
        _OF_VARIABLES.pop(id(variable), None)
        frames = stack(sys._getframe(1)) if value is not None else ()
        user = user_frame(frames)
        # a layer that adds its weights sets theirs, too: those were asked for where the layer was made
        if user is not None and not any(code.co_name == "add_weight" for code, _ in frames[: frames.index(user)]):
            _OF_VARIABLES[id(variable)] = weakref.ref(variable), user

    return property(own.fget, regularizer)


def _noting_layer(own: Any) -> Any:
    def setting(layer: Any, name: str, value: Any) -> None:
        replaces = name.endswith("_regularizer") and name in layer.__dict__  # else it is the layer that is being made
        own(layer, name, value)
        if replaces:
            _note_layer(layer, name, value)

    return setting


def _note_layer(layer: Any, name: str, value: Any) -> None:
    _OF_LAYERS.pop((layer.name, name), None)
    user = user_frame(stack(sys._getframe(2)))
    with contextlib.suppress(ValueError):  # what Keras knows no regulariser by
        regularizer = keras.regularizers.get(value)
        if user is not None and regularizer is not None:
            _OF_LAYERS[layer.name, name] = _OfLayer(regularizer, user)


def set_at(variable: Any) -> Location | None:
    """The user's assignment that gave a weight the regulariser which it has, if there was one after it was made."""
    known, frame = _OF_VARIABLES.get(id(variable), (None, None))
    if frame is not None and known is not None and known() is variable:
        return assigned(frame)
    layer = variable.path.split("/")[-2:-1]
    of_layer = _OF_LAYERS.get((layer[0], f"{variable.name}_regularizer")) if layer else None
    if of_layer is None or not _alike(of_layer.regularizer, variable.regularizer):
        return None
    return assigned(of_layer.frame)


def _alike(one: Any, other: Any) -> bool:
    """Whether they are the same, or of the same configuration, which is all that a model made anew keeps of one."""
    if one is other or type(one) is not type(other):
        return one is other
    try:
        return bool(one.get_config() == other.get_config())
    except (AttributeError, NotImplementedError):
        return False
