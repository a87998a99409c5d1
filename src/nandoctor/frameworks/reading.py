"""What the gate on the device says about one step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nandoctor.findings import Number, StepRecord, number

BAD_LOSS, BAD_GRADIENT, BAD_STATE, BAD_UPDATE = 1, 2, 4, 8
SPIKE = 16
"""The loss or the gradient is finite, and beyond the limit that was set for it."""

FAR_BELOW = 2.0**-10
"""A loss scale at which no gradient of ordinary arithmetic overflows: half precision reaches 6.7e7 there."""


MOST_SKIPS = 24
"""Steps skipped in a row up to the end of a training of which that is not said to be the search for a scale."""


@dataclass(frozen=True, slots=True)
class ValidationReading:
    """The loss of a validation that is not finite: its name in the logs, its value, and the batch (from 0)."""

    loss: str
    value: float
    batch: int


@dataclass(frozen=True, slots=True)
class LoopReading:
    """What is known of a loop that the user wrote. An event is one gradient that was taken; events count from 1.

    Attributes:
        events: how many there were.
        fault: the first that was not finite; 0 where all were.
        previous: the event before that at the same place of the code.
        kind: 1 where the loss was not finite, 2 where gradients were that an optimizer was given, 3 where what the loss
            writes was.
        loss, gradient_sumsq, weight_sumsq: of the last event.
        step: how many events the busiest place of the code had, up to the fault.
        learning_rate: that the optimizer used last; 0 where none is known.
        before: the event before the last one at the same place.
        suspect: an event whose loss was not finite, and which the script may still leave out; 0 where there is none.
        suspect_previous: the event before that at the same place.
        suspect_place: the number of that place.
        suspect_weights: the sum of squares of the weights then.
        bad_losses: how many losses were not finite.
        updated: the last event before an optimizer was called.
        gap: how many events there were, at the least, from one such call to the next.
        scale: what a loss scaler multiplied the loss by (the gradients are those of the scaled loss); 0 without one.
        skipped: 1 where it left out the update after the last event.
        skips, in_a_row: how many updates it left out, and how many of them one after the other at the end.
        doubt: an event whose gradients were not finite, while it is not known what became of them: they may be left
            out, added up, or written by hand; 0 where there is none.
        doubt_previous: the event before that at the same place.
        doubt_weights, doubt_step: the sum of squares of the weights, and the step, then.
    """

    events: float
    fault: float
    previous: float
    kind: float
    loss: float
    gradient_sumsq: float
    weight_sumsq: float
    step: float
    learning_rate: float
    before: float
    suspect: float
    suspect_previous: float
    suspect_place: float
    suspect_weights: float
    bad_losses: float
    updated: float
    gap: float
    scale: float
    skipped: float
    skips: float
    in_a_row: float
    doubt: float
    doubt_previous: float
    doubt_weights: float
    doubt_step: float

    @property
    def faulty(self) -> bool:
        return self.fault > 0

    @property
    def surface(self) -> str:
        return {1: "loss", 2: "gradient", 3: "state"}.get(int(self.kind), "weights")

    def record(self, seconds: float) -> StepRecord:
        """The last event as the history keeps it."""
        gradient = math.sqrt(self.gradient_sumsq) / (self.scale or 1.0) if self.gradient_sumsq >= 0 else math.nan
        return StepRecord(
            step=int(self.step),
            epoch=0,
            batch=int(self.step) - 1,
            loss=number(self.loss),
            gradient_norm=number(gradient),
            weight_norm=number(math.sqrt(self.weight_sumsq) if self.weight_sumsq >= 0 else math.nan),
            learning_rate=self.learning_rate or None,
            loss_scale=self.scale or None,
            skipped=bool(self.skipped),
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Sums of squares (float32, over all elements) and a code that is 0 for a healthy step.

    `update_sumsq` is of what the step changed the weights by; None where that was not looked at. `loss_scale` is what a
    loss scaler multiplied the loss by (the gradients are those of the scaled loss), None where there is none; `skipped`
    says that it left the step out because a scaled gradient was not finite. `left_out` says that the loss was not
    finite, and that a step of the user's own did not train on it. `spoilt`: the weights are not finite, and what they
    were before is not at hand.
    """

    code: int
    loss: float
    gradient_sumsq: float
    weight_sumsq: float
    learning_rate: float | None
    seconds: float
    update_sumsq: float | None = None
    loss_scale: float | None = None
    skipped: bool = False
    left_out: bool = False
    spoilt: bool = False

    @property
    def faulty(self) -> bool:
        return self.code != 0

    @property
    def is_spike(self) -> bool:
        """Whether all is finite, and the step was refused for its size."""
        return self.code == SPIKE

    @property
    def gradient_norm(self) -> float:
        """Of all gradients together, as they would be without a loss scaler."""
        return math.sqrt(self.gradient_sumsq) / (self.loss_scale or 1.0) if self.gradient_sumsq >= 0 else math.nan

    @property
    def surface(self) -> str:
        """What was found not finite first."""
        for bit, name in ((BAD_LOSS, "loss"), (BAD_GRADIENT, "gradient"), (BAD_STATE, "state")):
            if self.code & bit:
                return name
        if self.is_spike:
            return "spike"
        if self.faulty:
            return "weights"
        return "gradient" if self.skipped else "nothing"

    def record(self, step: int, epoch: int, batch: int) -> StepRecord:
        """The step as the history keeps it."""
        weights = math.sqrt(self.weight_sumsq) if self.weight_sumsq >= 0 else math.nan
        return StepRecord(
            step=step,
            epoch=epoch,
            batch=batch,
            loss=number(self.loss),
            gradient_norm=number(self.gradient_norm),
            weight_norm=number(weights),
            update_ratio=self._update_ratio(weights),
            learning_rate=self.learning_rate,
            loss_scale=self.loss_scale,
            skipped=self.skipped,
            seconds=self.seconds,
        )

    def _update_ratio(self, weights: float) -> Number | None:
        if self.update_sumsq is None or not weights > 0:
            return None
        return number(math.sqrt(self.update_sumsq) / weights)
