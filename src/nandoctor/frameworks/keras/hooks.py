"""Every `fit` and `evaluate` of an unedited script, guarded."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras

from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.patching import patched

CallbackFor = Callable[[Any], Any]
"""Gives the callback of ours that shall watch a model."""


@contextlib.contextmanager
def guarding_fit(
    fitting: CallbackFor,
    evaluating: CallbackFor,
    adopt: Callable[[Any], bool],
    drop: Callable[[Any], bool] = lambda callback: False,
) -> Iterator[None]:
    """While inside, each `fit` and `evaluate` gets a callback of ours; new layers' lines are noted.

    `adopt` is shown the user's callbacks and says whether one of them is a guard already; `drop`, whether one is to be
    left out.
    """
    with (
        patched(keras.Model, "fit", _guarded(keras.Model.fit, fitting, adopt, drop)),
        patched(keras.Model, "evaluate", _guarded(keras.Model.evaluate, evaluating, adopt, drop)),
        sites.noting(),
    ):
        yield


def _guarded(
    original: Callable[..., Any], make: CallbackFor, adopt: Callable[[Any], bool], drop: Callable[[Any], bool]
) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def method(model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(model, *args, **kwargs)
        except TypeError:
            return original(model, *args, **kwargs)  # the user's own mistake: Keras says it best
        given = call.arguments.get("callbacks")
        if isinstance(given, keras.callbacks.CallbackList):
            return original(model, *args, **kwargs)
        listed = [c for c in keras.tree.flatten(given) if c is not None and not drop(c)] if given else []
        if any(adopt(c) for c in listed):
            return original(model, *args, **kwargs)
        guard = make(model)
        call.arguments["callbacks"] = [*listed, guard]
        try:
            return original(*call.args, **call.kwargs)
        finally:
            guard.close()  # also where an error ends it, of which Keras tells no callback

    return method
