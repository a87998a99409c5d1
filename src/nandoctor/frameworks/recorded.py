"""A training of which one recorded step is all there is: the loop is the user's, and not ours to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nandoctor.findings import Location
from nandoctor.frameworks.protocol import Batch, Change, Penalty, State, Watcher
from nandoctor.trace.graph import Trace


class RecordedTraining:
    """Answers from the recorded step what can be answered; no experiment is possible."""

    def __init__(self, trace: Trace, loop: Location | None, optimizer: Location | None) -> None:
        self._trace = trace
        self.fit_location = loop
        self.compile_location: Location | None = None
        self.optimizer_location = optimizer

    def open_gate(self) -> None: ...

    def watch(self, watcher: Watcher) -> None: ...

    def watch_validation(self, watcher: Watcher) -> None: ...

    def end_validation(self) -> None: ...

    def close(self) -> None: ...

    def unguarded(self) -> object:
        return None

    def state(self) -> dict[str, np.ndarray]:
        """The variables that the step read, as they were before it."""
        leaves = {v.role: v for node in self._trace.nodes for v in node.inputs if v.producer is None}
        return {r: v.array for r, v in leaves.items() if r.startswith(("weight ", "state ")) and v.array is not None}

    def restore(self, state: State) -> None: ...

    def nonfinite_weights(self) -> dict[str, np.ndarray]:
        return {name: array for name, array in self.state().items() if not np.isfinite(array.astype(np.float64)).all()}

    def variable_site(self, name: str) -> Location | None:
        return None

    def batch_like(self, batch: Batch, arrays: Mapping[str, np.ndarray]) -> Batch:
        return Batch(None, lambda _: arrays)

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
        return []
