"""An experiment on a loop of the user's own: matrices that multiply a state again and again are held at norm 1."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.rendezvous import Made
from nandoctor.frameworks.tensorflow.initial import numbering
from nandoctor.frameworks.tensorflow.recorder import not_converted

_SQUARINGS = 6
"""Of a Gram matrix, for its largest eigenvalue: the bound is too large by the 128th root of the rank at most."""


class Bounding:
    """Use `watching` around the run of a script. `made`: whether one of the variables was met."""

    def __init__(self, bounded: Sequence[Made]) -> None:
        self._bounded = frozenset(bounded)
        self._held: dict[int, Any] = {}

    @property
    def made(self) -> bool:
        return bool(self._held)

    @contextlib.contextmanager
    def watching(self) -> Iterator[Bounding]:
        """While inside, they are contracted as they are made, and after each time that they are written."""
        assign = ResourceVariable.assign
        with contextlib.ExitStack() as stack:
            stack.enter_context(numbering(lambda variable, made: self._meet(variable, made, assign)))
            for name in ("assign", "assign_add", "assign_sub"):
                holding = self._holding(getattr(ResourceVariable, name), assign)
                stack.enter_context(patched(ResourceVariable, name, holding))
            yield self

    def _meet(self, variable: Any, made: Made, assign: Callable[..., Any]) -> None:
        if made in self._bounded:
            self._held[id(variable)] = variable
            assign(variable, contracted(variable.read_value()))

    def _holding(self, original: Callable[..., Any], assign: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def write(variable: Any, *args: Any, **kwargs: Any) -> Any:
            written = original(variable, *args, **kwargs)
            if id(variable) in self._held:
                return assign(variable, contracted(variable.read_value()))
            return written

        return write


def contracted(tensor: Any) -> Any:
    """A matrix whose (blocks') spectral norm is at most 1; numbers, one for each unit, in -1 to 1.

    A recurrent kernel of several gates is `(units, gates * units)`; each gate's block is held for itself.
    """
    wide = tf.cast(tensor, tf.float32)
    wide = tf.where(tf.math.is_finite(wide), wide, tf.zeros_like(wide))
    if wide.shape.rank != 2 or 0 in wide.shape:
        return tf.cast(tf.clip_by_value(wide, -1.0, 1.0), tensor.dtype)
    rows, columns = wide.shape
    blocks = tf.split(wide, columns // rows, axis=1) if columns % rows == 0 else [wide]
    return tf.cast(tf.concat([_shortened(block) for block in blocks], axis=1), tensor.dtype)


def _shortened(matrix: Any) -> Any:
    size = tf.maximum(tf.reduce_max(tf.abs(matrix)), 1e-30)
    unit = matrix / size
    return unit / tf.maximum(spectral_norm(unit), 1.0 / size)


def spectral_norm(matrix: Any) -> Any:
    """A bound on it, from above and tight: the trace of a high power of the Gram matrix, under the root."""
    power = tf.matmul(matrix, matrix, transpose_a=True)
    traces = []
    for _ in range(_SQUARINGS):
        traces.append(tf.maximum(tf.linalg.trace(power), 1e-30))
        power = power / traces[-1]
        power = tf.matmul(power, power)
    largest = tf.linalg.trace(power)
    for trace in reversed(traces):
        largest = trace * tf.sqrt(largest)
    return tf.sqrt(largest)
