"""One recorded step is all there is: the loop is the user's, and not ours to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nandoctor.findings import Location
from nandoctor.frameworks.protocol import Batch, Change, Penalty, State
from nandoctor.trace.graph import Trace


class RecordedStep:
    """Answers from the recorded step what can be answered; for an experiment the whole script has to run again.

    Args:
        trace: of the step.
        sites: the user's line behind each weight that is known, by role.
        losses: the losses of the script with a change, from its start; none where it cannot be made.
    """

    def __init__(self, trace: Trace, sites: Mapping[str, Location], losses: Callable[[Change], list[float]]) -> None:
        self._trace = trace
        self._sites = sites
        self._losses = losses

    def state(self) -> dict[str, np.ndarray]:
        """The variables that the step read, as they were before it."""
        leaves = {v.role: v for node in self._trace.nodes for v in node.inputs if v.producer is None}
        return {r: v.array for r, v in leaves.items() if r.startswith(("weight ", "state ")) and v.array is not None}

    def restore(self, state: State) -> None: ...

    def variable_site(self, name: str) -> Location | None:
        return self._sites.get(name)

    def trace_step(self, batch: Batch) -> Trace:
        return self._trace

    def trace_pipeline(self) -> Trace | None:
        return None

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        return None

    def is_finite_at(self, batch: Batch, scale: float) -> bool | None:
        return None

    def penalties(self, batch: Batch, start: State) -> tuple[Penalty, ...]:
        return ()

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        return self._losses(change)
