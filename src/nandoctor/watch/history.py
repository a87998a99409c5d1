"""The last steps of a training, as plain records."""

from __future__ import annotations

from collections import deque

from nandoctor.findings import StepRecord

KEPT = 2048
"""Steps kept: the first `KEPT_FIRST`, which show where the training came from, and the last of the rest."""

KEPT_FIRST = 64


class History:
    """A ring of step records in constant memory; a record that is not finite changes no other."""

    def __init__(self, first: int = KEPT_FIRST, kept: int = KEPT) -> None:
        self._first: list[StepRecord] = []
        self._room = first
        self._last: deque[StepRecord] = deque(maxlen=kept - first)
        self.steps = 0

    def add(self, record: StepRecord) -> None:
        self.steps += 1
        if len(self._first) < self._room:
            self._first.append(record)
        else:
            self._last.append(record)

    @property
    def records(self) -> tuple[StepRecord, ...]:
        """Oldest first."""
        return (*self._first, *self._last)
