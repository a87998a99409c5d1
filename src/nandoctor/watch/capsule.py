"""All that is needed to make a fault again: the last healthy state, the batch, the history before it."""

from __future__ import annotations

from dataclasses import dataclass

from nandoctor.findings import Location, StepRecord
from nandoctor.frameworks.protocol import Batch, State
from nandoctor.frameworks.reading import ValidationReading
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.snapshots import Snapshot


@dataclass(frozen=True)
class Capsule:
    """One fault, as it was caught. Steps count from 1, epochs and batches from 0.

    Attributes:
        surface: what was not finite first: `loss`, `gradient`, `state` or `weights`; `validation` where it was the
            loss of a validation (the step and epoch are then those of training so far, the batch is the
            validation's); `error` where the step raised.
        batch: the batch that did it.
        recent: the batches before it, oldest first.
        state: every variable before the step.
        snapshots: older healthy states, oldest first.
        notes: NumPy's floating-point errors before training, with the user's lines.
        error: what the step raised.
        validation: what was read where the fault is in a validation.
        loop: whether it is a step of a loop of the user's own, which no replay can call.
    """

    step: int
    epoch: int
    batch_index: int
    surface: str
    batch: Batch
    recent: tuple[Batch, ...]
    state: State
    snapshots: tuple[Snapshot, ...]
    history: tuple[StepRecord, ...]
    notes: tuple[FloatingPointNote, ...] = ()
    fit_location: Location | None = None
    fed_location: Location | None = None
    compile_location: Location | None = None
    optimizer_location: Location | None = None
    error: str | None = None
    validation: ValidationReading | None = None
    loop: bool = False
