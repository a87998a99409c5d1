"""One training as it is watched: counts its steps, keeps its history, and makes the capsule at a fault."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from msgspec.structs import replace as replace_record

from nandoctor.findings import StepRecord
from nandoctor.frameworks.protocol import Batch, Training
from nandoctor.frameworks.reading import Reading, ValidationReading
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.floating_point import FloatingPointNote
from nandoctor.watch.history import History
from nandoctor.watch.scaling import LossScaling
from nandoctor.watch.snapshots import BUDGET, Snapshot, Snapshots

_RECENT = 8
_RECENT_BYTES = 64 << 20


class Watch:
    """Rides on one training. Its own time is counted, so that its cost can be told."""

    def __init__(
        self, training: Training, notes: Callable[[], tuple[FloatingPointNote, ...]] = tuple, budget: int = BUDGET
    ) -> None:
        self.training = training
        self.history = History()
        self.epoch = 0
        self.batch_index = 0
        self.seconds = 0.0
        self.left_out = 0
        self.skipped = 0
        self._own_seconds = 0.0
        self._refused = 0
        self._epoch_began = 1
        self._snapshots = Snapshots(training.state, budget)
        self._recent: deque[Batch] = deque(maxlen=_RECENT)
        self._notes = notes
        self._scaling = LossScaling(training.is_finite_at)

    @property
    def steps(self) -> int:
        """Healthy steps watched."""
        return self.history.steps - self._refused

    @property
    def next_step(self) -> int:
        """The number of the step that is at hand, counted from 1; one that was refused has its number, too."""
        return self.history.steps + 1

    @property
    def cost(self) -> float | None:
        """The share of the training's time spent in the watch itself, on the host."""
        return self._own_seconds / self.seconds if self.seconds > 0 else None

    def begin(self) -> None:
        """Before the first step: keep the state that training starts from."""
        self._timed(lambda: self._snapshots.before_step(self.next_step))

    def begin_epoch(self, epoch: int) -> None:
        self.epoch, self.batch_index = epoch, 0
        self._epoch_began = self.next_step

    def is_fault(self, reading: Reading, batch: Batch) -> bool:
        """Whether a step was refused by the gate, or is skipped by a loss scaler without end."""
        return reading.faulty or self._scaling.is_endless(reading, batch)

    def recover(self) -> int | None:
        """An update spoilt the weights and cannot be taken back: what is left is the latest healthy state.

        The step before which it was kept; None where there is none.
        """
        if not self._snapshots.kept:
            return None
        self.roll_back(self._snapshots.kept[-1])
        return self._snapshots.kept[-1].step

    def roll_back(self, snapshot: Snapshot) -> None:
        """Give the training an older state. The learning rate stays as it is; the metrics are of this epoch."""
        self.training.roll_back(snapshot.state, same_epoch=snapshot.step > self._epoch_began)
        self._snapshots.forget_after(snapshot.step)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Older healthy states, oldest first."""
        return self._snapshots.kept

    @property
    def recent(self) -> tuple[Batch, ...]:
        """The latest batches that were healthy, oldest first."""
        return self._affordable()

    @property
    def applied(self) -> tuple[StepRecord, ...]:
        """The steps that were applied, of those in the history."""
        return tuple(record for record in self.history.records if record.action is None)

    def refused(self, reading: Reading, action: str) -> None:
        """A step that was not applied, and that training went on from."""
        record = replace_record(reading.record(self.next_step, self.epoch, self.batch_index), action=action)
        self.history.add(record)
        self.seconds += reading.seconds
        self._refused += 1
        self.batch_index += 1

    def stuck(self) -> Capsule | None:
        """At the end of a training: its last step, if a loss scaler was still skipping and would have gone on."""
        batch = self._scaling.stuck_at_the_end()
        if batch is None:
            return None
        return replace(
            self.capsule("gradient", batch), step=self.next_step - 1, batch_index=max(self.batch_index - 1, 0)
        )

    def healthy(self, reading: Reading, batch: Batch) -> StepRecord:
        """A step that went well."""
        record = reading.record(self.next_step, self.epoch, self.batch_index)
        self.seconds += reading.seconds
        self.left_out += reading.left_out
        self.skipped += reading.skipped

        def note() -> None:
            self.history.add(record)
            self._recent.append(batch)
            self._snapshots.before_step(self.next_step)

        self._timed(note)
        self.batch_index += 1
        return record

    def _timed(self, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        spent = time.perf_counter() - started
        self._own_seconds += spent
        self.seconds += spent

    def capsule(self, surface: str, batch: Batch, error: str | None = None) -> Capsule:
        """The step that broke, and all that is needed to make it again."""
        return Capsule(
            step=self.next_step,
            epoch=self.epoch,
            batch_index=self.batch_index,
            surface=surface,
            batch=batch,
            recent=self._affordable(),
            state=self.training.state(),
            snapshots=self._snapshots.kept,
            history=self.applied,
            notes=self._notes(),
            fit_location=self.training.fit_location,
            compile_location=self.training.compile_location,
            optimizer_location=self.training.optimizer_location,
            error=error,
        )

    def validation_capsule(self, reading: ValidationReading, batch: Batch) -> Capsule:
        """The batch of a validation whose loss is not finite, after the steps of training so far."""
        capsule = self.capsule("validation", batch)
        return replace(capsule, step=self.next_step - 1, batch_index=reading.batch, validation=reading)

    def _affordable(self) -> tuple[Batch, ...]:
        """The latest batches that fit into the budget, oldest first."""
        kept: list[Batch] = []
        total = 0
        for batch in reversed(self._recent):
            total += sum(np.asarray(a).nbytes for a in batch.arrays.values())
            if total > _RECENT_BYTES:
                break
            kept.append(batch)
        return tuple(reversed(kept))
