"""Every `fit` of an unedited script, guarded."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras

from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.patching import patched


@contextlib.contextmanager
def guarding_fit(make_callback: Callable[[], Any], adopt: Callable[[Any], bool]) -> Iterator[None]:
    """While inside, each `fit` gets a callback of ours; new layers' lines are noted.

    `adopt` is shown the user's callbacks and says whether one of them is a guard already.
    """
    original = keras.Model.fit
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(model, *args, **kwargs)
        except TypeError:
            return original(model, *args, **kwargs)  # the user's own mistake: Keras says it best
        given = call.arguments.get("callbacks")
        if isinstance(given, keras.callbacks.CallbackList):
            return original(model, *args, **kwargs)
        listed = [c for c in keras.tree.flatten(given) if c is not None] if given else []
        if not any(adopt(c) for c in listed):
            call.arguments["callbacks"] = [*listed, make_callback()]
        return original(*call.args, **call.kwargs)

    with patched(keras.Model, "fit", fit), sites.noting():
        yield
