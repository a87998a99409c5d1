"""One recorded step is all there is: the loop is the user's, and not ours to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nandoctor.findings import Location
from nandoctor.frameworks.protocol import Batch, Change, DataRows, Penalty, State
from nandoctor.trace.graph import Trace, Value
from nandoctor.trace.recurrence import Recurrence
from nandoctor.trace.terms import Term, only_weights, terms_of


class RecordedStep:
    """Answers from the recorded step what can be answered; for an experiment the whole script has to run again.

    Args:
        trace: of the step.
        sites: the user's line behind each weight that is known, by role.
        losses: the losses of the script with a change, from its start; none where it cannot be made.
        regularisers: what the framework computed of the regularisers that it knows, whether or not it came to the loss.
        decays: the weight decay of the optimizer.
        recurrence: a state that grew along the time steps of the step before.
        assigned: the user's line that put values into a weight after it was made, by role.
    """

    uncalled_clipping = None  # a loop of the user's own has no callbacks

    def __init__(
        self,
        trace: Trace,
        sites: Mapping[str, Location],
        losses: Callable[[Change], list[float]],
        regularisers: Sequence[tuple[Value, Penalty]] = (),
        decays: Sequence[Penalty] = (),
        recurrence: Recurrence | None = None,
        assigned: Mapping[str, Location] | None = None,
    ) -> None:
        self.recurrence_before = recurrence
        self._trace = trace
        self._sites = sites
        self._assigned = assigned or {}
        self._losses = losses
        self._regularisers = {id(value): penalty for value, penalty in regularisers}
        self._decays = tuple(decays)

    def state(self) -> dict[str, np.ndarray]:
        """The variables that the step read, as they were before it."""
        leaves = {v.role: v for node in self._trace.nodes for v in node.inputs if v.producer is None}
        return {r: v.array for r, v in leaves.items() if r.startswith(("weight ", "state ")) and v.array is not None}

    def restore(self, state: State) -> None: ...

    def variable_site(self, name: str) -> Location | None:
        return self._sites.get(name)

    def assigned_site(self, name: str) -> Location | None:
        return self._assigned.get(name)

    def trace_step(self, batch: Batch) -> Trace:
        return self._trace

    def trace_pipeline(self) -> Trace | None:
        return None

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        return None

    def data_rows(self, batch: Batch, rows: Sequence[int], index: int) -> DataRows | None:
        return None

    def data_given(self) -> dict[str, np.ndarray]:
        return {}

    def model_given(self) -> None:
        return None

    def is_finite_at(self, batch: Batch, scale: float) -> bool | None:
        return None

    def penalties(self, batch: Batch, start: State) -> tuple[Penalty, ...]:
        """Those of the recorded step; of a loss that is nothing but penalties the decay alone."""
        terms = terms_of(self._trace)
        found = [penalty for term in terms if (penalty := self._penalty(term)) is not None]
        return (*(found if len(found) < len(terms) else ()), *self._decays)

    def _penalty(self, term: Term) -> Penalty | None:
        known = self._regularisers.get(id(term.node.outputs[0]))
        if known is not None:
            return replace(known, value=term.value)
        if only_weights(self._trace, term.node):
            return Penalty("", term.value, location=self._trace.location(term.node))
        return None

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        return self._losses(change)
