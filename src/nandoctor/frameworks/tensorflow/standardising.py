"""An experiment on a loop of the user's own: some of what goes into it is brought to mean 0 and spread 1.

Nobody says where a loop takes its data from. It is known by its look (`Look`: shape of a row, and scale), and met where
it enters: as an iterator gives it, as a compiled function is called with it; or else, inside the step, where a model, a
loss or a first product is given it, once for each tape.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops.iterator_ops import OwnedIterator
from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.rendezvous import Look
from nandoctor.frameworks.tensorflow.recorder import not_converted

_ALIKE = 8.0
"""How many times larger or smaller than that of the faulty batch the scale of another may be."""

_MEETING: tuple[tuple[Any, str], ...] = (
    (tf, "matmul"),
    (tf.linalg, "matmul"),
    (tf, "tensordot"),
    (tf, "einsum"),
    (tf.nn, "conv2d"),
    (tf.Tensor, "__matmul__"),
    (tf.Tensor, "__rmatmul__"),
    (tf.Variable, "__matmul__"),
    (tf.Variable, "__rmatmul__"),
    (tf.Tensor, "__sub__"),
    (tf.Tensor, "__rsub__"),
    (tf, "subtract"),
    (tf.math, "squared_difference"),
)
"""Where what enters a step first meets a weight or a prediction, in a step that uses neither model nor loss object."""


class Standardising:
    """Use `watching` around the run of a script."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = tuple(looks)
        self._entered = False
        self._met: set[Look] = set()
        self._calls = 0
        self.made = False
        """Whether something was met that looks like that."""

    @contextlib.contextmanager
    def watching(self) -> Iterator[Standardising]:
        """While inside, what looks like that is standardised wherever it enters."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(patched(OwnedIterator, "_next_internal", self._giving(OwnedIterator._next_internal)))
            stack.enter_context(patched(Function, "__call__", self._called(Function.__call__)))
            stack.enter_context(patched(tf.GradientTape, "_push_tape", self._push(tf.GradientTape._push_tape)))
            for owner, name in _MEETING:
                stack.enter_context(patched(owner, name, self.meeting(getattr(owner, name))))
            yield self

    def meeting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its arguments standardised where nothing was on its way into the step."""

        @not_converted
        def met(*args: Any, **kwargs: Any) -> Any:
            if not self._entered:
                args, kwargs = self._changed((args, kwargs), once=True)
            return original(*args, **kwargs)

        return met

    def _giving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def give(iterator: Any) -> Any:
            given = original(iterator)
            return self._enter(given) if tf.executing_eagerly() else given

        return give

    def _called(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            if self._calls == 0 and tf.executing_eagerly():
                args, kwargs = self._enter((args, kwargs))
            self._calls += 1
            try:
                return original(function, *args, **kwargs)
            finally:
                self._calls -= 1

        return call

    def _push(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def push(tape: Any) -> None:
            self._met.clear()
            original(tape)

        return push

    def _enter(self, structure: Any) -> Any:
        before = self._met
        self._met = set()
        changed = self._changed(structure, once=False)
        self._entered, self._met = self._entered or bool(self._met), before
        return changed

    def _changed(self, structure: Any, *, once: bool) -> Any:
        return tf.nest.map_structure(lambda leaf: self._leaf(leaf, once), structure)

    def _leaf(self, leaf: Any, once: bool) -> Any:
        if not isinstance(leaf, (tf.Tensor, np.ndarray)) or not leaf.shape:
            return leaf
        look = next((known for known in self._looks if _shaped_like(leaf, known)), None)
        if look is None or (once and look in self._met):
            return leaf
        symbolic = isinstance(leaf, tf.Tensor) and tf.is_symbolic_tensor(leaf)
        if not symbolic and not bool(_scaled_like(leaf, look)):
            return leaf
        self._met.add(look)
        self.made = True
        plain = tf.convert_to_tensor(leaf)
        return tf.where(_scaled_like(plain, look), standardised(plain), plain) if symbolic else standardised(plain)


def _shaped_like(leaf: Any, look: Look) -> bool:
    """Whether its rows have the shape; the compiler may not know a length."""
    if tf.as_dtype(leaf.dtype).is_floating != look.floating or len(leaf.shape) != len(look.row) + 1:
        return False
    return all(n is None or n == known for n, known in zip(tuple(leaf.shape)[1:], look.row, strict=True))


def _scaled_like(leaf: Any, look: Look) -> Any:
    """Whether a row's largest magnitude is about what it was in the faulty batch."""
    magnitude = tf.abs(tf.cast(leaf, tf.float64))
    typical = tf.reduce_mean(tf.reduce_max(tf.reshape(magnitude, [tf.shape(magnitude)[0], -1]), axis=1))
    return (typical > look.scale / _ALIKE) & (typical < look.scale * _ALIKE)


def standardised(tensor: Any) -> Any:
    """The tensor with each feature at mean 0 and spread 1 over the batch (the first axis); integers become float32."""
    wide = tf.cast(tensor, tf.float64)
    mean, variance = tf.nn.moments(wide, axes=[0], keepdims=True)
    return tf.cast(
        (wide - mean) / tf.maximum(tf.sqrt(variance), 1e-6), tensor.dtype if tensor.dtype.is_floating else tf.float32
    )
