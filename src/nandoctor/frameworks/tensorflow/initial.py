"""The first values of a script's weights: kept beside the line that made them, or drawn anew for an experiment.

The first are those that training starts from: what the script puts into a weight after it was made comes instead.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.rendezvous import Made
from nandoctor.frameworks.tensorflow.assigning import assigning
from nandoctor.trace.locations import Frame, stack, user_frame

BUDGET = 512 << 20
"""Bytes of first values that are kept; variables made later are not looked at."""


class First(NamedTuple):
    """A variable as training meets it, and the user's frame that made it."""

    variable: weakref.ref[Any]
    array: np.ndarray
    frame: Frame | None


Redraw = Callable[[str, np.ndarray], np.ndarray | None]
"""Takes a variable's name and first value; gives another one, or None to leave it."""


@contextlib.contextmanager
def numbering(tell: Callable[[Any, Made], None]) -> Iterator[None]:
    """While inside, each new variable that can be trained is told of, with what it is known again by in another run."""
    original = ResourceVariable._init_from_args
    count = itertools.count(1)

    def init(variable: Any, *args: Any, **kwargs: Any) -> None:
        original(variable, *args, **kwargs)
        if variable.trainable and variable.dtype.is_floating and variable.shape.is_fully_defined():
            tell(variable, Made(next(count), variable.name.split(":")[0], tuple(variable.shape)))

    with patched(ResourceVariable, "_init_from_args", init):
        yield


class InitialWeights:
    """Notes each trainable matrix that is made eagerly; with `redraw`, some of them begin with other values."""

    def __init__(self, redraw: Redraw | None = None) -> None:
        self._redraw = redraw
        self._first: dict[int, First] = {}
        self._assigned: dict[int, tuple[weakref.ref[Any], Frame]] = {}
        self._made: dict[int, tuple[weakref.ref[Any], Made]] = {}
        self._room = BUDGET
        self.redrawn = 0

    @contextlib.contextmanager
    def noting(self) -> Iterator[InitialWeights]:
        """While inside, every new variable is looked at, and again where values are put into it before training."""
        with numbering(self._note), assigning(self._note_assigned):
            yield self

    def of(self, variable: Any) -> First | None:
        """What is known of a variable."""
        first = self._first.get(id(variable))
        return first if first is not None and first.variable() is variable else None

    def made(self, variable: Any) -> Made | None:
        """By what a variable is known again in another run."""
        known, made = self._made.get(id(variable), (None, None))
        return made if known is not None and known() is variable else None

    def assigned(self, variable: Any) -> Frame | None:
        """The user's frame that last put values into a variable before training."""
        known, frame = self._assigned.get(id(variable), (None, None))
        return frame if known is not None and known() is variable else None

    def _note_assigned(self, variable: Any, frame: Frame) -> None:
        if self.made(variable) is None:
            return
        self._assigned[id(variable)] = weakref.ref(variable), frame
        if (variable.shape.rank or 0) >= 2:
            first = self._first.pop(id(variable), None)
            self._room += 0 if first is None else first.array.nbytes
            self._look(variable, None if first is None else first.frame)

    def _note(self, variable: Any, made: Made) -> None:
        self._made[id(variable)] = weakref.ref(variable), made
        if (variable.shape.rank or 0) >= 2:
            self._look(variable, user_frame(stack(sys._getframe(1))))

    def _look(self, variable: Any, frame: Frame | None) -> None:
        try:
            array = np.array(variable.numpy())
        except NotImplementedError:  # made in a graph: it has no value yet
            return
        if self._redraw is not None:
            if (other := self._redraw(variable.name.split(":")[0], array)) is not None:
                variable.assign(other)
                self.redrawn += 1
        elif array.nbytes <= self._room:
            self._room -= array.nbytes
            self._first[id(variable)] = First(weakref.ref(variable), array, frame)
