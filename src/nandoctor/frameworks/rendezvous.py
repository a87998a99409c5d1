"""What a second run of a script is told: where the fault of the first was, or what to change about it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from nandoctor.findings import StepRecord
from nandoctor.trace.locations import Frame, settled

Events = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""A number of events. A rendezvous may be read from a capsule, so all in it is bounded."""

Name = Annotated[str, msgspec.Meta(max_length=4096)]


class Place(msgspec.Struct, frozen=True):
    """A place in the code by which another run knows it again: the file and line of a function, and the instruction."""

    file: Name
    function: Name
    line: Events
    offset: Annotated[int, msgspec.Meta(ge=-1, le=1 << 53)]

    @classmethod
    def of(cls, frame: Frame) -> Place:
        code, offset = settled(frame)
        return cls(code.co_filename, code.co_name, code.co_firstlineno, offset)

    def is_at(self, frame: Frame) -> bool:
        """Whether a frame is there. In a script that has changed (the offset is -1 then) the function is all that is
        known."""
        there = Place.of(frame)
        return self == there or (self.offset < 0 and (self.file, self.function) == (there.file, there.function))


TURN = 8
"""Events of a turn of the loop up to which the turn before the fault's is run operation by operation, too."""


class Rendezvous(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where a second run of the script meets the fault of the first. Events are gradients taken, counted from 1.

    Attributes:
        event: the event at which the loss or a gradient was not finite.
        previous: the event before it at the same place of the code: after it the tracer wakes up.
        eager_from: how many events precede the compiled call in which `previous` is, or the turn before it, where that
            is near: what follows is not compiled.
        surface: `loss`, `gradient`, `state`, or `weights` where these were found spoilt when the script had ended;
            `validation` where training was finite.
        step: how often that place of the code had been at work.
        updates: whether an optimizer had been called by then: what it is given is looked at there, not at the tape.
        losses: the last events that were read, each with its loss.
        read: where, after `event`, the script read a number that is not finite (`surface` is `validation` then).
    """

    event: Events
    previous: Events
    eager_from: Events
    surface: Annotated[str, msgspec.Meta(pattern="^[a-z-]{1,32}$")]
    step: Events
    updates: bool = False
    history: tuple[StepRecord, ...] = ()
    losses: Annotated[tuple[tuple[Events, float], ...], msgspec.Meta(max_length=4096)] = ()
    read: Place | None = None


class Look(msgspec.Struct, frozen=True):
    """By what data is known again that a loop is fed: the shape of a row, whether it is floating-point, its scale."""

    row: tuple[int, ...]
    floating: bool
    scale: float


class Made(msgspec.Struct, frozen=True):
    """By what a variable is known again: which of the trainable ones it was, in the order they were made, and what."""

    number: int
    name: str
    shape: tuple[int, ...]


class Experiment(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A run of the script with something changed, from its start to a number of events.

    Attributes:
        learning_rate: a factor on it.
        standardise: what of the data is brought to mean 0 and spread 1.
        redraw_weights: initial weights that are too large for their fans are drawn anew.
        without_penalties: neither penalties beside the error nor weight decay.
        float32: what is computed in half precision, in single precision.
        bounded: variables that multiply a state again and again; their norm is held at 1.
        epsilon: the optimizer's, where it is smaller.
    """

    name: str
    until: int
    learning_rate: float = 1.0
    standardise: tuple[Look, ...] = ()
    redraw_weights: bool = False
    without_penalties: bool = False
    float32: bool = False
    bounded: tuple[Made, ...] = ()
    epsilon: float | None = None
