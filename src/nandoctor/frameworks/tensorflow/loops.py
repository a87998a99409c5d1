"""Training loops that the user wrote: each gradient that is taken is counted, and whether it was finite is noted.

A tape's gradient (the outermost one) is an event. Beside it a few operations are put that count it and note the first
whose loss is not finite, or whose gradients an optimizer was given that are not; they run wherever the loop runs,
compiled or not, also inside a loop inside a `tf.function`. The host reads the note when the outermost compiled
function returns, or at once where nothing is compiled. Nothing else of the script is touched.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function
from tensorflow.python.ops.parallel_for import control_flow_ops as parallel
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.errors import warn
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.reading import LoopReading
from nandoctor.frameworks.tensorflow.assigning import begun
from nandoctor.frameworks.tensorflow.notes import Notes, Site
from nandoctor.frameworks.tensorflow.readouts import watching_readouts
from nandoctor.frameworks.tensorflow.recorder import not_converted, unconverted
from nandoctor.trace.locations import Frame, settled


class Follower(Protocol):
    """Who is told of a loop as it goes."""

    def call_begins(self, events: Callable[[], int], function: Any = None) -> None:
        """An outermost compiled function is about to run (without one: the first tape to record).

        `events` reads from the device how many there were so far.
        """
        ...

    def differentiating(self, targets: Sequence[Any]) -> contextlib.AbstractContextManager[None]:
        """Entered around each event while it runs in Python."""
        ...

    def differentiated(self, gradients: Sequence[tuple[Any, Any]], state: Sequence[Any]) -> None:
        """Each source of an event with its gradient, and what the loss has written; called while it runs in Python."""
        ...

    def updating(
        self, gradients: Sequence[tuple[Any, Any]], *, scaled: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """Entered around the call of an optimizer that runs in Python: its variables with their gradients.

        `scaled`: it is a loss scaler, to which gradients that are not finite are no surprise.
        """
        ...

    def look(self, reading: LoopReading, before: Sequence[LoopReading] = ()) -> None:
        """What was noted so far; called when it may have changed. `before`: the last of the events since the last look
        that came before this one, where a compiled function had several."""
        ...

    def read(self, tensor: Any, value: float, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        """The script read a number that is not finite, though the loss that it trains on is; the user's frames."""
        ...

    def exhausted(self, frames: tuple[Frame, ...], reading: LoopReading) -> None:
        """The script went over a data set that gave nothing; the user's frames."""
        ...


class Loops:
    """The watch over every loop of one script."""

    def __init__(self, follower: Follower, *, strict: bool = False) -> None:
        self._follower = follower
        self._strict = strict
        self._notes = Notes()
        self._looked = 0.0
        self._with_events: weakref.WeakSet[Any] = weakref.WeakSet()
        self._outermost: Any = None
        self._recording_tapes = 0
        self._taking = 0
        self._aside = 0
        self._unscaled: Any = None
        self.optimizer: Any = None
        self.objective: Callable[[Any, Any, Any], Any] | None = None
        """What a tape differentiates instead of a target, in an experiment: of the tape, the target and the sources."""
        self._variables: dict[int, weakref.ref[Any]] = {}
        self._state: dict[int, weakref.ref[Any]] = {}
        self._written: dict[int, Any] = {}
        self._overlooked: list[weakref.ref[Any]] = []

    @contextlib.contextmanager
    def watching(self, seed: int | None = None) -> Iterator[Loops]:
        """While inside, every loop is watched; `seed` is TensorFlow's for a script that sets none."""
        if seed is not None:
            tf.random.set_seed(seed)
        with contextlib.ExitStack() as stack:
            for owner, name, instead in self._patches():
                stack.enter_context(patched(owner, name, instead(getattr(owner, name))))
            stack.enter_context(watching_readouts(self._read, self._exhausted))
            yield self

    def _patches(self) -> list[tuple[Any, str, Callable[[Any], Any]]]:
        return [
            (tf.GradientTape, "gradient", self._gradient),
            (tf.GradientTape, "_push_tape", self._push),
            (tf.GradientTape, "_pop_tape", self._pop),
            (Function, "__call__", self._call),
            (parallel, "pfor", lambda original: not_converted(self.standing_aside(original))),  # may write no variable
            *((ResourceVariable, name, self._assign) for name in ("assign", "assign_add", "assign_sub")),
        ]

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """While inside, nothing is watched: a `fit` has a guard of its own."""
        self._aside += 1
        try:
            yield
        finally:
            self._aside -= 1

    def standing_aside(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with nothing watched while it runs."""

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.aside():
                return original(*args, **kwargs)

        return call

    @property
    def variables(self) -> list[Any]:
        """The variables that gradients were taken of, or that an optimizer wrote."""
        return [v for ref in self._variables.values() if (v := ref()) is not None]

    @property
    def state(self) -> list[Any]:
        """What a loss writes as it is computed: moving statistics, accumulators."""
        return [v for ref in self._state.values() if (v := ref()) is not None]

    @contextlib.contextmanager
    def slowed(self, factor: float, made: Callable[[], None] = lambda: None) -> Iterator[None]:
        """While inside, what a loop writes into the variables of its gradients by hand changes them by a part only.

        `made` is called where that is so.
        """

        def scaled(original: Callable[..., Any], change: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
            @not_converted
            def assign(variable: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
                if id(variable) in self._variables and self.optimizer is None:
                    made()
                    value = change(variable, tf.cast(value, variable.dtype), tf.cast(factor, variable.dtype))
                return original(variable, value, *args, **kwargs)

            return assign

        with contextlib.ExitStack() as stack:
            for name in ("assign_sub", "assign_add"):
                delta = scaled(getattr(ResourceVariable, name), lambda _, value, part: value * part)
                stack.enter_context(patched(ResourceVariable, name, delta))
            whole = scaled(ResourceVariable.assign, _part_of_the_way)
            stack.enter_context(patched(ResourceVariable, "assign", whole))
            yield

    def know(self, variables: Sequence[Any]) -> None:
        """Remember variables that belong to the training, which has begun."""
        begun()
        for variable in map(as_variable, variables):
            if isinstance(variable, tf.Variable) and id(variable) not in self._variables:
                self._variables[id(variable)] = weakref.ref(variable)

    def overlook(self, variable: Any) -> None:
        """A variable that may hold what it likes, as those of a metric may."""
        self._overlooked.append(weakref.ref(variable))

    # -- events ---------------------------------------------------------------------------------

    def _gradient(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            others = self._recording_tapes - int(tape._recording)
            if others > 0 or not self.watches:
                return original(tape, target, sources, *args, **kwargs)
            if self.objective is not None:
                target = self.objective(tape, target, sources)
            self._taking += 1
            try:
                with self._follower.differentiating(_tensors(target)):
                    result = original(tape, target, sources, *args, **kwargs)
            finally:
                self._taking -= 1
            self._event(_site(sys._getframe(1)), target, sources, result)
            return result

        return gradient

    @contextlib.contextmanager
    def _unharmed(self) -> Iterator[None]:
        """What fails inside is our own failure: one warning, and the loops go on unwatched."""
        try:
            yield
        except Exception as error:
            if self._strict:
                raise
            self._aside += 1
            warn(f"the watch over loops failed ({type(error).__name__}: {error}) and has switched itself off.")

    def _event(self, site: Site, target: Any, sources: Any, gradients: Any) -> None:
        with self._unharmed():
            self._told(site, target, sources, gradients)

    def _told(self, site: Site, target: Any, sources: Any, gradients: Any) -> None:
        pairs = list(zip(tf.nest.flatten(sources), tf.nest.flatten(gradients), strict=False))
        self.know([source for source, _ in pairs])
        overlooked = {id(as_variable(ref())) for ref in self._overlooked} if self._written else set()
        state = [v for key, v in self._written.items() if key not in self._variables and key not in overlooked]
        self._state.update({id(v): weakref.ref(v) for v in state})
        self._follower.differentiated([(v, g) for v, g in pairs if g is not None], state)
        judged, self._unscaled = target if self._unscaled is None else self._unscaled, None
        weights = [v for v, _ in pairs if isinstance(v, tf.Variable) or hasattr(v, "value")]
        gradients = [g for _, g in pairs if g is not None]
        self._notes.event(site, _tensors(target), _tensors(judged), weights, gradients, state)
        if tf.executing_eagerly():
            self.look()
        elif self._outermost is not None:
            self._with_events.add(self._outermost)

    def note_update(self, optimizer_rate: Any, gradients: Sequence[Any], scale: Any = None) -> None:
        """An optimizer is given gradients: note its rate, and the first time that one is not finite.

        `scale` is that of a loss scaler, which skips an update by itself.
        """
        with self._unharmed():
            self._notes.update(optimizer_rate, gradients, scale)
            if tf.executing_eagerly():  # before anything is written
                self.look()

    def note_unscaled(self, loss: Any) -> None:
        """A loss scaler is about to scale a loss: it is this loss that has to be finite."""
        self._unscaled = loss

    @property
    def watches(self) -> bool:
        """Whether what runs now is watched."""
        return not (self._aside or self._taking or tf.distribute.has_strategy())

    @property
    def follower(self) -> Follower:
        return self._follower

    def look(self) -> None:
        """Read what was noted, and tell it."""
        if (reading := self.reading) is not None:
            several = reading.events - self._looked > 1
            self._looked, since = reading.events, self._looked
            self._follower.look(reading, self._notes.between(since, reading.events) if several else ())

    def _read(self, tensor: Any, value: float, frames: tuple[Frame, ...]) -> None:
        reading = self.reading if self.watches and not self._recording_tapes else None
        if reading is not None and reading.suspect != reading.events and not reading.faulty:
            self._follower.read(tensor, value, frames, reading)

    def _exhausted(self, frames: tuple[Frame, ...]) -> None:
        if self.watches and (reading := self.reading) is not None:
            self._follower.exhausted(frames, reading)

    @property
    def reading(self) -> LoopReading | None:
        """What was noted so far; None where there was no event."""
        return self._notes.reading

    @property
    def events(self) -> int:
        """How many there were so far, read from the device."""
        return 0 if (reading := self.reading) is None else int(reading.events)

    def _call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            if self._aside or self._outermost is not None or self._taking or not tf.executing_eagerly():
                return original(function, *args, **kwargs)
            self._follower.call_begins(lambda: self.events, function)
            self._outermost = function
            as_written: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
            if tf.config.functions_run_eagerly():
                as_written, (args, kwargs) = unconverted(), _as_when_compiled((args, kwargs))
            try:
                with as_written:
                    result = original(function, *args, **kwargs)
            finally:
                self._outermost = None
            if function in self._with_events:
                self.look()
            return _contents(result) if self._strict else result

        return call

    def _push(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def push(tape: Any) -> None:
            if not self._aside and self._outermost is None and self._recording_tapes == 0 and tf.executing_eagerly():
                self._follower.call_begins(lambda: self.events)
            if self._recording_tapes == 0:
                self._written = {}
            original(tape)
            self._recording_tapes += 1

        return push

    def _pop(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def pop(tape: Any) -> None:
            original(tape)
            self._recording_tapes -= 1

        return pop

    def _assign(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @not_converted
        def assign(variable: Any, *args: Any, **kwargs: Any) -> Any:
            if self._recording_tapes and not self._aside and variable.dtype.is_floating and not variable.trainable:
                self._written[id(variable)] = variable
            return original(variable, *args, **kwargs)

        return assign


_TENSORFLOW = os.path.dirname(tf.__file__) + os.sep


def _site(frame: FrameType) -> Site:
    """Where the user takes a gradient; between that and us are AutoGraph's calls."""
    user: FrameType | None = frame
    while user is not None and user.f_code.co_filename.startswith(_TENSORFLOW):
        user = user.f_back
    place = user or frame
    return settled((place.f_code, place.f_lasti))


def _part_of_the_way(variable: Any, value: Any, part: Any) -> Any:
    before = variable.read_value()
    return before + part * (value - before)


def as_variable(known: Any) -> Any:
    """The `tf.Variable` of a Keras variable; anything else as it is."""
    return known if isinstance(known, tf.Variable) else getattr(known, "value", known)


def _as_when_compiled(arguments: Any) -> Any:
    """A compiled function is given its arrays as tensors; run operation by operation it would be given arrays."""
    return tf.nest.map_structure(lambda a: tf.convert_to_tensor(a) if isinstance(a, np.ndarray) else a, arguments)


def _contents(result: Any) -> Any:
    """A compiled function gives what a variable holds; run operation by operation it would give the variable."""
    return tf.nest.map_structure(lambda v: v.read_value() if isinstance(v, tf.Variable) else v, result)


def _tensors(structure: Any) -> list[Any]:
    return [t for t in tf.nest.flatten(structure) if isinstance(t, (tf.Tensor, tf.IndexedSlices))]
