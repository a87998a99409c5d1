"""What a cause gets to look at, and what it answers.

A cause is a pure function of a `Case`. All experiments have been made before; their results are in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nandoctor.findings import Fact, Location, Phase, StepRecord, Treatment
from nandoctor.trace.graph import Node, Trace, Value, as_float64
from nandoctor.trace.locations import Frame
from nandoctor.trace.origin import Origin
from nandoctor.trace.recurrence import Recurrence


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One cause's answer: how sure it is, and why.

    Attributes:
        confidence: 0 to 1. 0.9 and above: the trace shows the mechanism itself; about 0.5: it fits; below: a hint.
        summary: one or two sentences with the values in them.
        location: the user's expression at the root; None leaves it to the origin's.
        rows: rows of the batch, from 0; None leaves it to the origin's values.
        phase: None leaves it to the origin's.
    """

    confidence: float
    summary: str
    facts: tuple[Fact, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    location: Location | None = None
    rows: tuple[int, ...] | None = None
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One short replay from an older healthy state: what was changed, and the losses that followed.

    `elsewhere`: it begins with other weights, from where a loss may well rise before it falls.
    """

    change: str
    losses: tuple[float, ...]
    elsewhere: bool = False

    @property
    def stays_finite(self) -> bool:
        return bool(self.losses) and bool(np.isfinite(self.losses).all())

    @property
    def settles(self) -> bool:
        """Finite, not larger at the end than at the start, and of a size that can still be learnt from."""
        rise = 10.0 if self.elsewhere else 1.2
        fell = self.stays_finite and self.losses[-1] <= rise * abs(self.losses[0]) + 1e-6
        return fell and abs(self.losses[-1]) < 1e15


@dataclass(frozen=True, slots=True)
class Growth:
    """How loss, gradient and weights grew before the fault, and what changes stop it.

    `loss`, `gradient`, `weights` are ratios of the last healthy step to the first (loss: to the lowest).
    """

    loss: float
    gradient: float
    weights: float
    steps: int
    overflowed: bool = False
    trials: tuple[Trial, ...] = ()

    @property
    def diverging(self) -> bool:
        """The loss or the weights ran away, or plain arithmetic went beyond its dtype, which is growth by nature."""
        return self.overflowed or self.ran_away or self.gradient > 1000

    @property
    def ran_away(self) -> bool:
        """Over the steps before the fault, the loss or the weights grew tenfold."""
        return self.loss > 10 or self.weights > 10

    @property
    def settled(self) -> Trial | None:
        """The trial that stopped the growth, if one did."""
        return next((t for t in self.trials if t.settles), None)

    def trial(self, change: str) -> Trial | None:
        return next((t for t in self.trials if t.change == change), None)


@dataclass(frozen=True, slots=True)
class Penalty:
    """A regulariser: the share of it in the loss that training began with, and the line that asked for it.

    `coefficient` is that of a squared penalty or, where it `decays` the weights instead, of the decay. `made_by`: the
    operation, and the user's frame, of one that the loss function itself computes.
    """

    name: str
    share: float
    coefficient: float | None
    decays: bool
    location: Location | None
    made_by: tuple[str, Frame] | None = None


@dataclass(frozen=True, slots=True)
class Spoiler:
    """A place in the user's own source where data was spoilt before the step.

    Attributes:
        message: NumPy's words, the operation of the pipeline, or what the source says.
        by_spread: whether it divided by the spread of the data; None where only the source can tell.
        seen: the operation itself was replayed; otherwise it is told from what lies around it.
    """

    message: str
    location: Location
    by_spread: bool | None = None
    seen: bool = False


@dataclass(frozen=True)
class Case:
    """One fault with all that is known about it.

    Attributes:
        trace, origin: the replayed step; None where it could not be replayed or came out finite.
        batch: arrays by role, `input[0]`, `target[0]`, `sample_weight[0]`.
        surface: what the guard found not finite.
        rows: rows to blame, by the values at the origin or by experiment.
        history: the steps before the fault.
        spoilers: where the data was spoilt before training.
        fit, fed: the user's call that trains; in a loop of their own, where data goes into the model.
        made: where the source makes the `input` and the `target`, as far as it shows; and where they came from before
            all arithmetic, `loaded input` and `loaded target`.
        single: this step, computed in float32, where it is computed in half precision.
        penalties: what is added to the loss beside the error.
        oversized: the initial weights that are too large for their fans, and by what factor.
        recurrence: a state that grows along the time steps of this forward pass.
        validation_batches: how many batches a validation saw, where one was made and is being judged.
        variable_sites, assigned_sites: where the user made a variable that is named; where they put values into it
            after that, before the first step.
        uncalled_clipping: where the user clips gradients in a method that the framework never calls.
        loop: whether the step is of a loop of the user's own; no experiment could be made then.
        seen: how the fault came to light, where the trace does not tell it.
    """

    step: int
    epoch: int
    trace: Trace
    origin: Origin | None
    batch: Mapping[str, np.ndarray]
    surface: str = ""
    rows: tuple[int, ...] = ()
    history: tuple[StepRecord, ...] = ()
    growth: Growth | None = None
    spoilers: tuple[Spoiler, ...] = ()
    fit: Location | None = None
    fed: Location | None = None
    made: Mapping[str, Location] = field(default_factory=dict)
    compiled: Location | None = None
    optimizer: Location | None = None
    variable_sites: Mapping[str, Location] = field(default_factory=dict)
    assigned_sites: Mapping[str, Location] = field(default_factory=dict)
    single: Trial | None = None
    penalties: tuple[Penalty, ...] = ()
    oversized: Mapping[str, float] = field(default_factory=dict)
    recurrence: Recurrence | None = None
    validation_batches: int | None = None
    uncalled_clipping: Location | None = None
    seen: Fact | None = None
    loop: bool = False

    @property
    def scaler_skips(self) -> int:
        """How many steps before this one a loss scaler skipped without a break; 0 where the loss was at fault."""
        if self.surface != "gradient":
            return 0
        return sum(1 for _ in itertools.takewhile(lambda record: record.skipped, reversed(self.history)))

    @cached_property
    def node(self) -> Node | None:
        """The operation at the origin; for a backward one, the forward operation that it differentiates."""
        if self.origin is None or self.origin.node is None:
            return None
        return self.trace.differentiated(self.origin.node)

    @property
    def phase(self) -> Phase:
        """Where it began. An infinity of the forward pass that only the gradient minds is of the backward pass."""
        if self.surface == "validation":
            return "validation"
        if self.origin is None:
            return "forward"
        if self.origin.surface == "state":
            return "state"
        if self.origin.node is None:  # an optimizer's running square overflows by what the gradients have become
            leaf = self.origin.leaf
            return "backward" if leaf is not None and leaf.role.startswith("slot") else "data"
        made_late = self.origin.surface == "gradient" and not self.origin.value.has_nan
        if made_late and self.origin.node.phase == "forward" and not self._predictions_bad:
            return "backward"
        return self.origin.node.phase

    @property
    def _predictions_bad(self) -> bool:
        return any(value.bad for value in self.trace.outputs)

    @property
    def location(self) -> Location | None:
        if self.origin is None or self.origin.node is None:
            return None
        return self.trace.location(self.origin.node)

    def family(self, name: str) -> list[tuple[str, np.ndarray]]:
        """The batch's arrays of one role: `input`, `target`, `sample_weight`."""
        return [(role, a) for role, a in self.batch.items() if role.split("[")[0] == name]

    @property
    def batch_size(self) -> int | None:
        sizes = {a.shape[0] for a in self.batch.values() if a.ndim}
        return sizes.pop() if len(sizes) == 1 else None

    def made_by(self, *kinds: str) -> Node | None:
        """The origin's (forward) operation, if it is of one of the kinds."""
        return self.node if self.node is not None and self.node.kind in kinds else None

    def in_library(self, *words: str) -> bool:
        """Whether the origin ran inside a library function whose name or file contains one of the words."""
        if self.node is None:
            return False
        names = [*self.node.functions, *(m.rsplit("/", 1)[-1] for m in self.node.modules[:12])]
        return any(word in name for name in names for word in words)

    def at_bad_elements(self, value: Value) -> np.ndarray | None:
        """The elements of an input of the origin that sit where its output is bad, in float64."""
        if self.origin is None or value.array is None:
            return None
        output = self.origin.value.array
        if output is None:
            return None
        bad = ~np.isfinite(output)
        try:
            return as_float64(np.broadcast_to(value.array, output.shape)[bad])
        except ValueError:
            return as_float64(value.array).ravel()

    def first_value_at(self, name: str) -> Location | None:
        """Where a variable got the values that training began with."""
        return self.assigned_sites.get(name) or self.variable_sites.get(name)

    def roles(self, value: Value) -> set[str]:
        return self.trace.roles(value)


def example(array: np.ndarray, mask: np.ndarray) -> str:
    """The first element that a mask selects, as `x[3, 1] = 0`."""
    index = np.argwhere(mask)
    if not len(index):
        return ""
    where = tuple(int(i) for i in index[0])
    inside = ", ".join(map(str, where))
    return f"[{inside}] = {float(array[where]):.6g}" if where else f"= {float(array):.6g}"


def count_of(n: int, noun: str) -> str:
    """`1 element`, `12 elements`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def expression(location: Location | None, fallback: str = "the expression") -> str:
    """The user's expression in backticks, shortened."""
    if location is None or not location.code:
        return fallback
    code = location.code
    return f"`{code if len(code) <= 70 else code[:67] + '...'}`"
