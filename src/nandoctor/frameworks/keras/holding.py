"""The values that variables had before a step, held by reference: nothing is copied, and the host can put them back.

A value that somebody holds is not written over; TensorFlow copies it first. So what an update adds to a variable is
made in new memory while it is held: that is the same sum, without the copy.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.finite import sum_of_squares


class Holding:
    """What the updates of one model's step write.

    `note` says it, as the step is traced or runs; what `eager` and `compiled` make gives the values from before a step.
    """

    def __init__(self) -> None:
        self._weights: dict[int, Any] = {}
        self._slots: dict[int, Any] = {}
        self._values: dict[int, Any] = {}

    def note(self, weights: Sequence[Any], slots: Sequence[Any]) -> None:
        """An update is about to write these."""
        self._weights.update((id(v), v) for v in weights)
        self._slots.update((id(v), v) for v in slots)
        if tf.executing_eagerly():
            for variable in (*weights, *slots):
                self._values.setdefault(id(variable), variable.read_value())

    def eager(self, run: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, Sequence[Any]]]:
        """The eager step; it returns the values from before it, too."""

        def step(data: Any) -> tuple[Any, Sequence[Any]]:
            self._values = {}
            logs = run(data)
            return logs, [self._values.get(key) for key in (*self._weights, *self._slots)]

        return step

    def compiled(self, run: Any, spec: Any) -> Callable[[Any], tuple[Any, Sequence[Any]]]:
        """The compiled step, once it was traced; it returns the values from before it, too."""

        def step(data: Any) -> tuple[Any, list[Any]]:
            before = [v.read_value() for v in (*self._weights.values(), *self._slots.values())]
            return run(data), before

        return tf.function(step, input_signature=[spec], autograph=False)  # type: ignore[no-any-return]

    def put_back(self, before: Sequence[Any]) -> None:
        """Give the variables the values that they had before the step."""
        variables = (*self._weights.values(), *self._slots.values())
        for variable, value in zip(variables, before, strict=False):
            if value is not None:
                variable.assign(value)

    def update_sumsq(self, before: Sequence[Any]) -> float:
        """The sum of squares of what the step changed the weights by."""
        pairs = zip(self._weights.values(), before, strict=False)
        return float(sum_of_squares([v - value for v, value in pairs if value is not None]))


@contextlib.contextmanager
def into_new_memory() -> Iterator[None]:
    """While inside, what is added to a variable, or subtracted from it, is not written over its old value."""

    def assigning(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def assign(variable: Any, delta: Any, *options: Any, **named: Any) -> Any:
            delta = tf.convert_to_tensor(delta, variable.dtype)
            return variable.assign(combine(variable.read_value(), delta), *options, **named)

        return assign

    with (
        patched(ResourceVariable, "assign_add", assigning(operator.add)),
        patched(ResourceVariable, "assign_sub", assigning(operator.sub)),
    ):
        yield
