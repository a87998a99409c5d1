"""Where a second run of a script meets the fault of the first."""

from __future__ import annotations

import msgspec

from nandoctor.findings import StepRecord


class Rendezvous(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where a second run of the script meets the fault of the first. Events are gradients taken, counted from 1.

    Attributes:
        event: the event at which the loss or a gradient was not finite.
        previous: the event before it at the same place of the code: after it the tracer wakes up.
        eager_from: how many events precede the compiled call in which `previous` is: what follows is not compiled.
        surface: `loss`, `gradient`, or `weights` where these were found spoilt when the script had ended.
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
