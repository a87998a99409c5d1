"""The `fit` and `evaluate` calls of a script that is started again for the sake of one step of one of them.

The `fit` calls before that one are passed through with one real step each, since a script goes on with what they
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
    """Who decides what becomes of each `fit` and `evaluate`."""

    @property
    def validates(self) -> bool:
        """Whether the step is one of a validation: the `fit` that it is in trains on one batch, as those before do."""
        ...

    def callback(self, own: list[Any]) -> Any | None:
        """The callback that replays, if this call (with these callbacks) is the one; None to pass it through."""
        ...

    def is_guard(self, callback: Any) -> bool:
        """Whether a callback of the user's is a guard, which has nothing to watch here."""
        ...

    def passed(self, own: list[Any]) -> None:
        """A `fit` (with these callbacks) that is passed through has begun."""
        ...

    def evaluating(self, own: list[Any], model: Any, *, inside_fit: bool) -> Any | None:
        """An `evaluate` (with these callbacks) begins: the callback that replays, if it is the one."""
        ...


@contextlib.contextmanager
def replaying(plan: Plan) -> Iterator[None]:
    """While inside, each call is passed through, or given the callback that replays; new layers' lines are noted."""
    fitting: list[Any] = []
    with (
        patched(keras.Model, "fit", _fit(plan, fitting)),
        patched(keras.Model, "evaluate", _evaluate(plan, fitting)),
        overwriting_nothing(),
        sites.noting(),
    ):
        yield


def _fit(plan: Plan, fitting: list[Any]) -> Callable[..., Any]:
    def fit(call: inspect.BoundArguments, own: list[Any] | None) -> None:
        if own is None:
            _shorten(call.arguments)  # no guard ever counted such a call
            return
        ours = plan.callback(own)
        kept = [c for c in own if not isinstance(c, _WRITERS) and not plan.is_guard(c)]
        if ours is None or plan.validates:
            _shorten(call.arguments)
        call.arguments["callbacks"] = [*kept, ours or _Begun(lambda: plan.passed(own))]

    return _changed(keras.Model.fit, fit, fitting)


def _evaluate(plan: Plan, fitting: list[Any]) -> Callable[..., Any]:
    def evaluate(call: inspect.BoundArguments, own: list[Any] | None) -> None:
        if own is None:
            return
        ours = plan.evaluating(own, call.arguments["self"], inside_fit=bool(fitting))
        kept = [c for c in own if not plan.is_guard(c)]
        call.arguments["callbacks"] = kept if ours is None else [*kept, ours]

    return _changed(keras.Model.evaluate, evaluate, [])


def _changed(
    original: Callable[..., Any],
    change: Callable[[inspect.BoundArguments, list[Any] | None], None],
    inside: list[Any],
) -> Callable[..., Any]:
    """A method whose arguments are changed, knowing the user's callbacks (None where Keras or they made a list)."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def method(model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(model, *args, **kwargs)
        except TypeError:
            return original(model, *args, **kwargs)  # the user's own mistake: Keras says it best
        given = call.arguments.get("callbacks")
        listed = isinstance(given, keras.callbacks.CallbackList)
        change(call, None if listed else [c for c in keras.tree.flatten(given) if c is not None] if given else [])
        inside.append(model)
        try:
            return original(*call.args, **call.kwargs)
        finally:
            inside.pop()

    return method


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
def overwriting_nothing() -> Iterator[None]:
    """While inside, what Keras saves goes over no file that is there, and what it wrote is taken away at the end."""
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
