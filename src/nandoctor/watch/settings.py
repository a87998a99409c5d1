"""Which setting keeps a training from growing into its fault: tried by short replays from before the growth."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nandoctor.frameworks.protocol import Batch, Change, State, Subject

STEPS = 20
"""Steps that a setting has to hold."""

SECONDS = 25.0
"""Wall time past which no further setting is begun."""

_CLIP = 1.0
SETTINGS: tuple[tuple[str, Change], ...] = (
    ("the learning rate times 0.3", Change(learning_rate=0.3)),
    ("the learning rate times 0.1", Change(learning_rate=0.1)),
    ("all gradients together clipped to the norm 1", Change(clip_norm=_CLIP)),
    ("the learning rate times 0.03", Change(learning_rate=0.03)),
    ("the learning rate times 0.1 and all gradients clipped to the norm 1", Change(learning_rate=0.1, clip_norm=_CLIP)),
    ("the learning rate times 0.01", Change(learning_rate=0.01)),
    ("the learning rate times 0.001", Change(learning_rate=0.001)),
)


@dataclass(frozen=True, slots=True)
class Held:
    """A setting that kept the loss finite and from growing, and the mean loss that it ended with."""

    name: str
    change: Change
    loss: float


def best_setting(start: State, batches: Sequence[Batch], subject: Subject, *, steps: int = STEPS) -> Held | None:
    """Of the settings that hold, the one whose loss is the lowest in the end; None where none does."""
    began = time.perf_counter()
    held: list[Held] = []
    for name, change in SETTINGS:
        if time.perf_counter() - began > SECONDS:
            break
        losses = subject.losses_with(start, batches, steps, change)
        if holds(losses, steps, len(batches)):
            held.append(Held(name, change, float(np.mean(losses[-len(batches) :]))))
    return min(held, key=lambda each: each.loss, default=None)


def neighbours_are_healthy(state: State, batches: Sequence[Batch], subject: Subject, *, steps: int = STEPS) -> bool:
    """Whether the training would go on as it is without the batch that broke: then that batch alone is to blame."""
    return bool(batches) and holds(subject.losses_with(state, batches, steps, Change()), steps, len(batches))


def holds(losses: Sequence[float], steps: int, batches: int) -> bool:
    """Whether all losses are finite, and those of the last round over the batches not larger than of the first.

    >>> holds([1.0, 2.0, 0.9, 1.9], 4, 2), holds([1.0, 2.0, 9.0, 8.0], 4, 2), holds([1.0, math.nan], 2, 2)
    (True, False, False)
    """
    if len(losses) < steps or not np.isfinite(losses).all():
        return False
    part = max(min(batches, steps // 2), 1)
    first, last = float(np.mean(losses[:part])), float(np.mean(losses[-part:]))
    return last <= first + 0.2 * abs(first) + 1e-6 and math.isfinite(last)
