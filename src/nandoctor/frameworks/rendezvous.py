"""What a second run of a script is told: where the fault of the first was, or what to change about it."""

from __future__ import annotations

import msgspec

from nandoctor.findings import StepRecord

TURN = 8
"""Events of a turn of the loop up to which the turn before the fault's is run operation by operation, too."""


class Rendezvous(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where a second run of the script meets the fault of the first. Events are gradients taken, counted from 1.

    Attributes:
        event: the event at which the loss or a gradient was not finite.
        previous: the event before it at the same place of the code: after it the tracer wakes up.
        eager_from: how many events precede the compiled call in which `previous` is, or the turn before it, where that
            is near: what follows is not compiled.
        surface: `loss`, `gradient`, `state`, or `weights` where these were found spoilt when the script had ended.
        step: how often that place of the code had been at work.
        losses: the last events that were read, each with its loss.
    """

    event: int
    previous: int
    eager_from: int
    surface: str
    step: int
    history: tuple[StepRecord, ...] = ()
    losses: tuple[tuple[int, float], ...] = ()


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
