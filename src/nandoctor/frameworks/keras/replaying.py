"""The `fit` calls of a script that is started again for the sake of one step of one of them.

The calls before that one are passed through with one real step each, since a script goes on with what they
return. Nothing of the user's is overwritten on the way: Keras writes no model over a file that is there
already, what it writes elsewhere is taken away at the end, and the callbacks that write logs are left out.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras

from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.patching import patched


class Plan(Protocol):
    """Who decides what becomes of each `fit`."""

    def callback(self, own: list[Any]) -> Any | None:
        """The callback that replays, if this call (with these callbacks) is the one; None to pass it through."""
        ...

    def is_guard(self, callback: Any) -> bool:
        """Whether a callback of the user's is a guard, which has nothing to watch here."""
        ...

    def passed(self, own: list[Any]) -> None:
        """A call (with these callbacks) that is passed through has begun."""
        ...


@contextlib.contextmanager
def replaying_fit(plan: Plan) -> Iterator[None]:
    """While inside, each `fit` is passed through, or given the callback that replays; new layers' lines are noted."""
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
            _shorten(call.arguments)  # no guard ever counted such a call
            return original(*call.args, **call.kwargs)
        own = [c for c in keras.tree.flatten(given) if c is not None] if given else []
        ours = plan.callback(own)
        kept = [c for c in own if not isinstance(c, _WRITERS) and not plan.is_guard(c)]
        if ours is None:
            _shorten(call.arguments)
            ours = _Begun(lambda: plan.passed(own))
        call.arguments["callbacks"] = [*kept, ours]
        return original(*call.args, **call.kwargs)

    with patched(keras.Model, "fit", fit), _overwriting_nothing(), sites.noting():
        yield


_WRITERS = (keras.callbacks.BackupAndRestore, keras.callbacks.CSVLogger, keras.callbacks.TensorBoard)


class _Begun(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells that a `fit` has begun."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def on_train_begin(self, logs: Any = None) -> None:
        self._tell()


def _shorten(arguments: dict[str, Any]) -> None:
    """One epoch of one step, and a validation of one."""
    arguments["epochs"] = arguments.get("initial_epoch", 0) + 1
    arguments["steps_per_epoch"] = 1
    if arguments.get("validation_data") is not None or arguments.get("validation_split"):
        arguments["validation_steps"] = 1
        arguments["validation_freq"] = 1


_SAVERS: tuple[tuple[Any, str], ...] = (
    (keras.Model, "save"),
    (keras.Model, "save_weights"),
    (keras.Model, "export"),
    (keras.models, "save_model"),
    (keras.saving, "save_model"),
)


@contextlib.contextmanager
def _overwriting_nothing() -> Iterator[None]:
    made: list[str] = []
    with contextlib.ExitStack() as stack:
        for owner, name in _SAVERS:
            stack.enter_context(patched(owner, name, _saving_aside(getattr(owner, name), made)))
        try:
            yield
        finally:
            for path in made:
                _remove(path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def _saving_aside(save: Callable[..., Any], made: list[str]) -> Callable[..., Any]:
    """A saver that leaves alone what is there, and notes what it makes."""

    @functools.wraps(save)
    def saver(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            path = os.path.abspath(os.fspath(filepath))
        except TypeError:  # an open file
            return save(model, filepath, *args, **kwargs)
        if os.path.lexists(path) and path not in made:
            return None
        made.append(path)
        return save(model, filepath, *args, **kwargs)

    return saver
