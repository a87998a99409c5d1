"""Where values are put into variables that are there already: what training starts from may not be what was drawn.

Only what comes before the first training step counts, and only what runs eagerly: a compiled function that writes is
a step. Whoever begins to train says so (`training`, `begun`), and from then on an assignment costs one look at a flag.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.recorder import not_converted
from nandoctor.trace.locations import Frame, is_ours, stack, user_frame

Tell = Callable[[Any, Frame], None]
"""Is given a variable that has just been written, and the user's innermost frame."""


class _Training:
    """Whether steps are being taken."""

    now = False


@contextlib.contextmanager
def assigning(tell: Tell) -> Iterator[None]:
    """While inside, each assignment to a variable of floats that changes it before training is told of."""
    original = ResourceVariable.assign

    @not_converted
    def assign(variable: Any, *args: Any, **kwargs: Any) -> Any:
        if _Training.now or not _is_put_in_by_hand(variable):
            return original(variable, *args, **kwargs)
        before = _contents(variable)
        written = original(variable, *args, **kwargs)
        frame = _users(stack(sys._getframe(1)))
        if frame is not None and not _equal(before, _contents(variable)):
            tell(variable, frame)
        return written

    with patched(_Training, "now", False), patched(ResourceVariable, "assign", assign):
        yield


def _is_put_in_by_hand(variable: Any) -> bool:
    """What a loss writes as it is computed (moving statistics) is not."""
    return bool(tf.executing_eagerly() and pywrap_tfe.TFE_Py_TapeSetIsEmpty() and variable.dtype.is_floating)


def training() -> contextlib.AbstractContextManager[None]:
    """While inside, training is going on."""
    return patched(_Training, "now", True)


def begun() -> None:
    """A loop of the user's own has begun to train; where it ends nobody can tell."""
    _Training.now = True


def _users(frames: tuple[Frame, ...]) -> Frame | None:
    """The user's frame behind an assignment; None where it is ours (a state is put back) or is done in `fit`."""
    user = user_frame(frames)
    between = frames[: frames.index(user)] if user is not None else ()
    return None if any(_is_a_step_of_ours(code) for code, _ in between) else user


def _is_a_step_of_ours(code: CodeType) -> bool:
    """The patches of `assign` lie within each other: one is no reason to write anything."""
    return is_ours(code.co_filename) and code.co_name != "assign"


def _contents(variable: Any) -> np.ndarray | None:
    try:
        return np.array(variable.numpy())
    except Exception:  # it holds nothing yet, or is on no device of this host
        return None


def _equal(before: np.ndarray | None, after: np.ndarray | None) -> bool:
    """Whether nothing has changed: weights that are reset to what they were came from where they came before."""
    if before is None or after is None or before.shape != after.shape:
        return False
    return before.tobytes() == after.tobytes()
