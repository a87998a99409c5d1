"""Operations in a functional model: one node each, saved and loaded with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import keras

P = ParamSpec("P")

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What a saved node calls, by name; filled by `symbolic`."""


@keras.saving.register_keras_serializable("nandoctor")
class SafeOperation(keras.Operation):  # type: ignore[misc]
    """One of `nandoctor.ops` as a node of a functional model."""

    def __init__(self, function: str, name: str | None = None) -> None:
        super().__init__(name=name)
        self.function = function

    def call(self, *arguments: Any, **options: Any) -> Any:
        """The function on tensors."""
        return FUNCTIONS[self.function](*arguments, **options)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {"function": self.function, "name": self.name}


def symbolic(function: Callable[P, Any]) -> Callable[P, Any]:
    """Lets `function` take a `keras.KerasTensor` too.

    A gradient that is written down is a function of the backend's own tensors. A symbolic tensor has to wait for them.
    """
    FUNCTIONS[function.__name__] = function

    @functools.wraps(function)
    def either(*arguments: P.args, **options: P.kwargs) -> Any:
        if any(isinstance(a, keras.KerasTensor) for a in (*arguments, *options.values())):
            return SafeOperation(function.__name__)(*arguments, **options)
        return function(*arguments, **options)

    return either
