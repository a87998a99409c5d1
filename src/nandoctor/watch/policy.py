"""What follows a step that was refused: a decision on counts alone, without a training in hand."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Literal, get_args

from nandoctor.errors import NandoctorError
from nandoctor.findings import Number, StepRecord, real
from nandoctor.watch.snapshots import Snapshot

OnFault = Literal["stop", "raise", "skip", "rollback", "treat"]
POLICIES = get_args(OnFault)

Decision = Literal["skip", "rollback", "treat", "stop"]

WINDOW = 100
"""Steps back that skips are counted over."""

MOST_SKIPS = 10
MOST_ROLLBACKS = 3
CUT = 0.5

_SOON = 50
"""Steps after a rollback within which a further fault says that it did not reach back far enough."""

_GROWN = 10.0
_LEVEL = 5
_SMALL = 1e-3


def check_policy(on_fault: str, spike: float | None, max_skips: int, max_rollbacks: int, rate_cut: float) -> None:
    """Say which argument is none that a guard can go by.

    Raises:
        NandoctorError: it is named, with what it may be.
    """
    if on_fault not in POLICIES:
        raise NandoctorError(f"on_fault={on_fault!r} is not known: use one of {', '.join(map(repr, POLICIES))}.")
    if spike is not None and not 1.0 <= spike < math.inf:
        raise NandoctorError(f"spike={spike!r} is no number of deviations: use one from 1 on, such as 6.0.")
    if not 1 <= max_skips < WINDOW:
        raise NandoctorError(f"max_skips={max_skips!r} of the last {WINDOW} steps: use 1 to {WINDOW - 1}.")
    if max_rollbacks < 1:
        raise NandoctorError(f"max_rollbacks={max_rollbacks!r}: use 1 or more.")
    if not 0.0 < rate_cut <= 1.0:
        raise NandoctorError(f"rate_cut={rate_cut!r} would not lower the learning rate: use more than 0, up to 1.")


class Policy:
    """Follows the faults of one training.

    Args:
        on_fault: what the user asked for.
        max_skips: how many of the last 100 steps may be skipped.
        max_rollbacks: how often, in one training, the state may be taken from further back.
    """

    def __init__(self, on_fault: OnFault, *, max_skips: int = MOST_SKIPS, max_rollbacks: int = MOST_ROLLBACKS) -> None:
        self.on_fault = on_fault
        self.max_skips = max_skips
        self.max_rollbacks = max_rollbacks
        self.rollbacks = 0
        self._skips: deque[int] = deque(maxlen=max_skips + 1)

    @property
    def goes_on(self) -> bool:
        """Whether a training may go on through a fault."""
        return self.on_fault in ("skip", "rollback", "treat")

    def decide(self, step: int, *, spike: bool = False) -> Decision:
        """What to do about a step. A spike is no fault of the settings: `treat` skips it."""
        if self.on_fault == "skip" or (self.on_fault == "treat" and spike):
            return self.skip(step)
        if self.on_fault in ("rollback", "treat") and self.rollbacks < self.max_rollbacks:
            return "rollback" if self.on_fault == "rollback" else "treat"
        return "stop"

    def rolled_back(self) -> None:
        """The state was taken from further back once more."""
        self.rollbacks += 1

    def skip(self, step: int) -> Decision:
        """Skip one more step, if there were not too many lately."""
        self._skips.append(step)
        lately = sum(step - WINDOW < skipped for skipped in self._skips)
        return "stop" if lately > self.max_skips else "skip"


def healthy_snapshot(
    snapshots: Sequence[Snapshot], history: Sequence[StepRecord], *, last_rollback: int | None = None
) -> Snapshot | None:
    """The latest state from before the loss ran away; the oldest where that was never; None where none is kept.

    Args:
        snapshots: oldest first.
        history: the steps that were applied, oldest first.
        last_rollback: how many steps ago the state was taken from one of these already. If that was just now, the same
            state would lead to the same fault again.
    """
    sound = [s for s in snapshots if not ran_away(s.step, history)] or list(snapshots[:1])
    again = last_rollback is not None and last_rollback <= _SOON
    return None if not sound else sound[-2] if again and len(sound) > 1 else sound[-1]


def ran_away(step: int, history: Sequence[StepRecord]) -> bool:
    """Whether the loss of the last steps before a state was tenfold the lowest level up to there.

    A loss that is not finite was left out by the user's own step, and says nothing.
    """
    sizes = (_size(record.loss) for record in history if record.step <= step)
    losses = [size for size in sizes if math.isfinite(size)]
    if len(losses) < 2:
        return False
    level = median(losses[-_LEVEL:])
    lowest = min(median(losses[n : n + _LEVEL]) for n in range(max(len(losses) - _LEVEL + 1, 1)))
    return level > _GROWN * max(lowest, _SMALL)


def _size(loss: Number | None) -> float:
    return math.nan if loss is None else abs(real(loss))
