"""What a script reads on the host: numbers that are not finite, and passes over a data set that gave nothing.

A number that the user prints or appends to a list leaves TensorFlow in one place. What it is, a loss or a metric that
may be undefined, does not show there.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops.iterator_ops import OwnedIterator
from tensorflow.python.framework import ops

from nandoctor.frameworks.patching import patched
from nandoctor.trace.locations import Frame, is_user_code, stack

_EAGER = next(cls for cls in ops.EagerTensor.__mro__ if "_numpy" in vars(cls))
_LIBRARIES = tuple(os.path.dirname(str(library.__file__)) + os.sep for library in (tf, np))

Read = Callable[[Any, float, tuple[Frame, ...]], None]
"""Takes the tensor, its value, and the stack of the user's frames, innermost first."""

Exhausted = Callable[[tuple[Frame, ...]], None]
"""Takes the stack of the user's frames at the end of a pass that gave nothing."""


@contextlib.contextmanager
def watching_readouts(read: Read, exhausted: Exhausted) -> Iterator[None]:
    """While inside, `read` is told of each scalar that the user's own code reads and that is not finite."""
    with (
        patched(_EAGER, "_numpy", _reading(vars(_EAGER)["_numpy"], read)),
        patched(OwnedIterator, "__next__", _advancing(OwnedIterator.__next__, exhausted)),
    ):
        yield


def _reading(original: Callable[[Any], Any], read: Read) -> Callable[[Any], Any]:
    def numpy(tensor: Any) -> Any:
        value = original(tensor)
        if tensor.dtype.is_floating and value.ndim == 0 and not math.isfinite(value):
            frames = _user_frames()
            if frames:
                read(tensor, float(value), frames)
        return value

    return numpy


def _advancing(original: Callable[[Any], Any], exhausted: Exhausted) -> Callable[[Any], Any]:
    fed: weakref.WeakSet[Any] = weakref.WeakSet()

    def advance(iterator: Any) -> Any:
        try:
            element = original(iterator)
        except StopIteration:
            if iterator not in fed and (frames := _user_frames()):
                exhausted(frames)
            raise
        if iterator not in fed:
            fed.add(iterator)
        return element

    return advance


def _user_frames() -> tuple[Frame, ...]:
    """The user's frames; none where it is another library, or nandoctor, that asks."""
    outside = [f for f in stack(sys._getframe(2)) if not f[0].co_filename.startswith(_LIBRARIES)]
    if not outside or not is_user_code(outside[0][0].co_filename):
        return ()
    return tuple(f for f in outside if is_user_code(f[0].co_filename))
