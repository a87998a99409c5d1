"""Whether the steps that a loss scaler skips come to an end.

A dynamic loss scaler tries a large scale, skips each step whose scaled gradients overflow, and halves the scale; so
skipped steps are its way of working. They are a fault when no scale helps: a gradient that is not finite even with
the loss scaled *down*, or a scale so high that a whole training goes by without a step.
"""

from __future__ import annotations

from collections.abc import Callable

from nandoctor.frameworks.protocol import Batch
from nandoctor.frameworks.reading import FAR_BELOW, Reading

MOST_SKIPS = 24
"""Steps skipped in a row up to the end of a training of which that is not said to be the search for a scale."""

_FEW = 4
_MOST_TRIALS = 4


class LossScaling:
    """Follows the skipped steps of one training; `finite_at` runs a step again at another scale."""

    def __init__(self, finite_at: Callable[[Batch, float], bool | None]) -> None:
        self._finite_at = finite_at
        self._in_a_row = 0
        self._trials = 0
        self._last: Batch | None = None

    def is_endless(self, reading: Reading, batch: Batch) -> bool:
        """Whether this step would be skipped at every scale; asked only once the scale has come down to 1."""
        if not reading.skipped:
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        self._last = batch
        if (reading.loss_scale or 0.0) > 1.0 or self._trials >= _MOST_TRIALS:
            return False
        self._trials += 1
        return self._hopeless(batch)

    def stuck_at_the_end(self) -> Batch | None:
        """The last batch, where a training ended amid skipped steps that no scale, or too many halvings, would end."""
        if self._last is None or self._in_a_row < _FEW:
            return None
        return self._last if self._in_a_row >= MOST_SKIPS or self._hopeless(self._last) else None

    def _hopeless(self, batch: Batch) -> bool:
        return self._finite_at(batch, FAR_BELOW) is False
