"""Where the user's source made each layer and compiled each model.

An operation inside a built-in layer or loss has no line of the user on its stack; the line that made the
layer, or set the loss, is then the one to show. Under `nandoctor run` the lines are noted as they run;
without it the `compile` call is looked up in the source of the file that calls `fit`.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.ops.operation import Operation
from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.trainers.trainer import Trainer

from nandoctor.findings import Location
from nandoctor.frameworks.keras import regularisers
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.assigning import assigning
from nandoctor.frameworks.tensorflow.loops import as_variable
from nandoctor.trace.locations import Frame, locate, location_of, parsed, stack, user_frame

_MADE: weakref.WeakKeyDictionary[Any, Frame] = weakref.WeakKeyDictionary()
_COMPILED: weakref.WeakKeyDictionary[Any, Frame] = weakref.WeakKeyDictionary()
_VARIABLES: dict[int, tuple[weakref.ref[Any], Frame]] = {}
"""By id: a Keras variable cannot be hashed. The reference tells whether the id is still the same variable's."""
_ASSIGNED: dict[int, tuple[weakref.ref[Any], Frame]] = {}
"""Of each `tf.Variable` the last assignment before training."""


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """While inside, remember the user's line behind each new layer, each `compile`, and what is set on layers later."""
    with (
        patched(Operation, "__new__", _noting_new(Operation.__new__)),
        # where it is defined: a `compile` of the model's own keeps Keras from compiling what it loads
        patched(Trainer, "compile", _noting_compile(Trainer.compile)),
        patched(BaseOptimizer, "__init__", _noting_init(BaseOptimizer.__init__)),
        patched(keras.Variable, "__init__", _noting_variable(keras.Variable.__init__)),
        regularisers.noting(),
        assigning(lambda variable, frame: _ASSIGNED.update({id(variable): (weakref.ref(variable), frame)})),
    ):
        yield


def _noting_new(original: Callable[..., Any]) -> Any:
    def new(cls: type, *args: Any, **kwargs: Any) -> Any:
        made = original(cls, *args, **kwargs)
        _remember(_MADE, made)
        return made

    return staticmethod(new)


def _noting_init(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def init(made: Any, *args: Any, **kwargs: Any) -> None:
        _remember(_MADE, made)
        original(made, *args, **kwargs)

    return init


def _noting_variable(original: Callable[..., Any]) -> Callable[..., Any]:
    """A variable that the user's own layer adds has a line of its own; one that a built-in layer builds has not."""

    @functools.wraps(original)
    def init(made: Any, *args: Any, **kwargs: Any) -> None:
        frames = stack(sys._getframe(1))
        user = user_frame(frames)
        if user is not None and not any(code.co_name == "build" for code, _ in frames[: frames.index(user)]):
            _VARIABLES[id(made)] = (weakref.ref(made), user)
        original(made, *args, **kwargs)

    return init


def _noting_compile(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def compiled(model: Any, *args: Any, **kwargs: Any) -> Any:
        _remember(_COMPILED, model)
        return original(model, *args, **kwargs)

    return compiled


def _remember(table: weakref.WeakKeyDictionary[Any, Frame], made: Any) -> None:
    frame = user_frame(stack(sys._getframe(2)))
    if frame is not None:
        with contextlib.suppress(TypeError):  # an object that cannot be hashed or weakly referenced
            table[made] = frame


def made_at(layer: Any) -> Location | None:
    """The user's line that made a layer or optimizer, if it was noted."""
    frame = None if layer is None else _MADE.get(layer)
    return None if frame is None else locate(frame)


def variable_made_at(variable: Any) -> Location | None:
    """The user's line that added a variable in a layer of their own, if it was noted."""
    known, frame = _VARIABLES.get(id(variable), (None, None))
    return locate(frame) if frame is not None and known is not None and known() is variable else None


def assigned_at(variable: Any) -> Location | None:
    """The user's line that last put values into a variable before training, if it was noted."""
    known, frame = _ASSIGNED.get(id(as_variable(variable)), (None, None))
    return locate(frame) if frame is not None and known is not None and known() is as_variable(variable) else None


def layer_of_variable_made_at(variable: Any) -> Location | None:
    """The user's line behind a `tf.Variable` of a layer: that which added it, or that which made the layer."""
    for layer in list(_MADE):
        for own in getattr(layer, "_trainable_variables", ()):
            if getattr(own, "value", None) is variable:
                return variable_made_at(own) or made_at(layer)
    return None


def compile_site(model: Any, fit: Location | None) -> Location | None:
    """The user's `compile` call for a model."""
    frame = _COMPILED.get(model)
    if frame is not None:
        return locate(frame)
    return None if fit is None else _compile_call_in(fit)


def only_call_of(made: type, near: Location | None) -> Location | None:
    """The one call in a file of the user's that makes an object of a class which that file defines."""
    defined = getattr(sys.modules.get(made.__module__), "__file__", None)
    if near is None or defined is None or os.path.abspath(defined) != os.path.abspath(near.file):
        return None
    calls = _calls(near.file, lambda name: isinstance(name, ast.Name) and name.id == made.__name__)
    return location_of(calls[0], near.file) if len(calls) == 1 else None


def argument_at(place: Location | None, name: str) -> Location | None:
    """What the call at a place is given under a name, where the call goes over several lines."""
    if place is None or place.end_line == place.line:
        return None
    for call in _calls(place.file, lambda _: True):
        given = next((k.value for k in call.keywords if k.arg == name), None)
        if given is not None and call.lineno <= place.line and call.end_lineno == place.end_line:
            return location_of(given, place.file)
    return None


def _compile_call_in(fit: Location) -> Location | None:
    """The last `.compile(` above the `fit` call in its file."""
    calls = _calls(fit.file, lambda name: isinstance(name, ast.Attribute) and name.attr == "compile")
    above = [call for call in calls if call.lineno < fit.line]
    return location_of(max(above, key=lambda call: call.lineno), fit.file) if above else None


def _calls(file: str, wanted: Callable[[ast.expr], bool]) -> list[ast.Call]:
    return [node for node in ast.walk(parsed(file)) if isinstance(node, ast.Call) and wanted(node.func)]
