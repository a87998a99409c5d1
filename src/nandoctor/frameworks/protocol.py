"""What the rest of the house knows of a framework: a training in progress, and how to run its step again."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from nandoctor.findings import Dataset, Location, Setting
from nandoctor.frameworks.reading import Reading, ValidationReading
from nandoctor.trace.graph import Trace
from nandoctor.trace.locations import Frame
from nandoctor.trace.recurrence import Recurrence

State = Mapping[str, np.ndarray]
"""Every variable of a training by name: weights, optimizer slots, statistics, metrics, random state."""


class Batch:
    """One batch as the framework fed it (`data`), and its arrays by role: `input[0]`, `target[0]`, `sample_weight[0]`.

    The arrays are read when somebody first asks (at a fault): a healthy step copies nothing. A batch of a
    validation is replayed by the step that validates.
    """

    def __init__(self, data: Any, read: Callable[[Any], Mapping[str, np.ndarray]], *, validation: bool = False) -> None:
        self.data = data
        self.validation = validation
        self._read = read

    @functools.cached_property
    def arrays(self) -> Mapping[str, np.ndarray]:
        return self._read(self.data)

    @property
    def size(self) -> int | None:
        """Rows: the common length of the first axis; None where there is none."""
        lengths = {a.shape[0] for a in self.arrays.values() if a.ndim}
        return lengths.pop() if len(lengths) == 1 else None

    def family(self, name: str) -> list[np.ndarray]:
        """The arrays of one role, `input` or `target`."""
        return [a for key, a in self.arrays.items() if key.split("[")[0] == name]


Verdict = Literal["go", "skip", "stop", "unguarded"]
"""What follows a step: the next one; the next one, as if this one had not been; the end of training; or the next one,
without the guard."""


class Watcher(Protocol):
    """Who is told of each step of a training."""

    def on_built(self, batch: Batch) -> None:
        """The first step is about to run, on this batch; every variable exists."""
        ...

    def on_step(self, reading: Reading, batch: Batch) -> Verdict:
        """A step has run. If the reading is faulty, the gate has refused its update."""
        ...

    def on_validating(self, batch: Batch) -> None:
        """A validation is about to run, on this batch first."""
        ...

    def on_validation(self, reading: ValidationReading, batch: Batch) -> None:
        """The first batch of a validation whose loss is not finite; the validation goes on."""
        ...

    def on_error(self, error: Exception, batch: Batch) -> Verdict:
        """A step has raised. `unguarded`: the error was the guard's own, and the step is run again without it."""
        ...


@dataclass(frozen=True)
class Change:
    """What an experiment changes about a step.

    Attributes:
        learning_rate: a factor on it.
        standardise: which arrays of the batch are brought to mean 0 and spread 1.
        regularisers_off: neither penalties beside the loss nor weight decay.
        without: terms of the loss that are not differentiated, by the operation and the user's frame that make them.
        float32: what the model computes in half precision, in single precision.
        weights: weights to begin with instead of those of the start, by name.
        bounded: matrices that multiply a state again and again, by name; their norm is held at 1 after each step.
        epsilon: the optimizer's, where it is smaller.
        clip_norm: what the norm of all gradients together is clipped to.
    """

    learning_rate: float = 1.0
    standardise: frozenset[str] = frozenset()
    regularisers_off: bool = False
    without: frozenset[tuple[str, Frame]] = frozenset()
    float32: bool = False
    weights: State = field(default_factory=dict)
    bounded: frozenset[str] = frozenset()
    epsilon: float | None = None
    clip_norm: float | None = None


@dataclass(frozen=True)
class Look:
    """One step of a replay: its loss, and the Euclidean norm of the gradient of each weight."""

    loss: float
    gradients: tuple[float, ...]

    @property
    def finite(self) -> bool:
        return bool(np.isfinite([self.loss, *self.gradients]).all())


@dataclass(frozen=True)
class Present:
    """How a training is set as it stands.

    Attributes:
        optimizer: the name of its class.
        rate: the learning rate; of a schedule, the largest that it gives over the steps of a trial.
        schedule: whether a schedule gives it.
        clips: whether the optimizer clips gradients.
        replaceable: whether another optimizer can be put in its place: there is one, and it is known who holds it.
    """

    optimizer: str
    rate: float
    schedule: bool = False
    clips: bool = False
    replaceable: bool = True

    @property
    def has_rate(self) -> bool:
        """Whether the rate is one that can be multiplied."""
        return bool(np.isfinite(self.rate)) and self.rate > 0


@dataclass(frozen=True)
class Stretch:
    """Some steps of a short training.

    Attributes:
        losses: of each step; where it is not `finite`, the last is that of the step that broke.
        finite: whether losses, gradients and weights were. A gradient that a loss scaler skips does not count.
        error: what a step raised.
    """

    losses: tuple[float, ...] = ()
    finite: bool = True
    error: str | None = None


class Trainings(Protocol):
    """Short trainings from one state, on the same batches in the same order, each with a setting of its own."""

    @property
    def present(self) -> Present: ...

    def further(self, setting: Setting, steps: int) -> Stretch:
        """The next steps with a setting, from where the last ones with it ended."""
        ...

    def forget(self, setting: Setting) -> None:
        """No more steps with a setting will be asked for."""
        ...


@dataclass(frozen=True)
class Penalty:
    """One regulariser: what it adds to the loss, and the line that asked for it.

    `coefficient` is that of a squared penalty, where it is known, or of the decay where it `decays` the weights. One
    that the user's code computes itself has no name, and its line is the place of the expression.
    """

    name: str
    value: float
    coefficient: float | None = None
    decays: bool = False
    location: Location | None = None


@dataclass(frozen=True)
class DataRows:
    """Where rows of a batch stand in what a training was given.

    Attributes:
        dataset: the argument that it is.
        rows: for each row of the batch the rows of the data that are equal to it; empty where only the batch is known.
        batch: the batch of a data set that gives whole ones.
        files: those that these rows were read from.
    """

    dataset: Dataset
    rows: tuple[tuple[int, ...], ...] = ()
    batch: int | None = None
    files: tuple[str, ...] = ()


class Subject(Protocol):
    """What a diagnosis may ask of a training: to run its step again, as it was or with something changed."""

    @property
    def recurrence_before(self) -> Recurrence | None:
        """A state that grew along the time steps of the step before, where no other state can be stepped from."""
        ...

    @property
    def uncalled_clipping(self) -> Location | None:
        """Where the user wrote a clip of the gradients into a method that the framework never calls."""
        ...

    def restore(self, state: State) -> None:
        """Give the variables that a state names its values."""
        ...

    def variable_site(self, name: str) -> Location | None:
        """The user's line that made the layer of a variable."""
        ...

    def assigned_site(self, name: str) -> Location | None:
        """The user's line that put values into a variable after it was made, the last before the first step."""
        ...

    def trace_step(self, batch: Batch) -> Trace:
        """Run the step (of training or validation, as the batch says) eagerly from the present state, recorded.

        The state is put back afterwards.
        """
        ...

    def trace_pipeline(self) -> Trace | None:
        """The trace of the stage of the data pipeline that spoilt an element; None where none is known to."""
        ...

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        """Whether the step stays finite on some rows of the batch; None where the step does not run on them."""
        ...

    def data_rows(self, batch: Batch, rows: Sequence[int], index: int) -> DataRows | None:
        """Where rows of the batch (the `index`-th of its epoch) stand in what the training was given.

        None where that does not show. What was given is left as it is.
        """
        ...

    def data_given(self) -> Mapping[str, np.ndarray]:
        """What the training was given whole, as arrays by role, like those of a batch; empty where it was not."""
        ...

    def model_given(self) -> Any | None:
        """The model that is trained, as `nandoctor.audit` takes one; None where there is none of that kind."""
        ...

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        """The loss of each step of a short training from another state; the present state is put back.

        The last one is NaN where a gradient of that step was not finite. A loss scaler does not scale here.
        """
        ...

    def is_finite_at(self, batch: Batch, scale: float) -> bool | None:
        """Whether the step's gradients are finite with the loss scaled by so much; None where none can be had."""
        ...

    def penalties(self, batch: Batch, start: State) -> Sequence[Penalty]:
        """What is added to the loss beside the error, and the decay of the weights, in a state."""
        ...


class Training(Subject, Protocol):
    """One training in progress."""

    @property
    def fit_location(self) -> Location | None: ...

    @property
    def compile_location(self) -> Location | None: ...

    @property
    def optimizer_location(self) -> Location | None: ...

    def open_gate(self, *, spikes: bool = False) -> None:
        """Before the framework builds its step: see to it that the gate is in it.

        `spikes`: a step beyond the limits of `limit` is refused, too.
        """
        ...

    def limit(self, loss: float, gradient_norm: float) -> None:
        """From the next step on, refuse one whose loss or gradient norm is larger."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """After the framework built its step: tell the watcher of each one."""
        ...

    def begin_epoch(self) -> None:
        """The next step is the first of an epoch."""
        ...

    def watch_validation(self, watcher: Watcher) -> None:
        """A validation begins: tell the watcher of a batch whose loss is not finite."""
        ...

    def end_validation(self) -> None:
        """Put back what `watch_validation` has put in place."""
        ...

    def close(self) -> None:
        """Put back everything."""
        ...

    def unguarded(self) -> object:
        """Put back everything in the middle of training, which goes on; the framework's own step function."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """A copy of every variable, on the host."""
        ...

    def looks_with(self, start: State, batches: Sequence[Batch], steps: int) -> list[Look]:
        """The steps of a short training from another state, up to one that is not finite; the present one is put back.

        Whatever a step raises comes out.
        """
        ...

    def roll_back(self, state: State, *, same_epoch: bool) -> None:
        """Give every variable its value of an older state, but for the learning rate; metrics are those of an epoch."""
        ...

    def adopt(self, change: Change) -> None:
        """From now on, and after this training too: the rate multiplied, the gradients clipped as the change says."""
        ...

    def batch_like(self, batch: Batch, arrays: Mapping[str, np.ndarray]) -> Batch:
        """A batch of the same structure that holds other arrays, by role.

        Raises:
            CapsuleError: the arrays do not fit the structure.
        """
        ...

    def short_trainings(
        self, start: State, batches: Sequence[Batch], most: int, roles: Mapping[str, frozenset[str]]
    ) -> contextlib.AbstractContextManager[Trainings]:
        """While inside, short trainings can be made; then the present state is put back.

        Args:
            start: the state that they begin from.
            batches: what they train on.
            most: steps of the longest one.
            roles: which arrays are meant by the `inputs` and `targets` of a setting.

        Raises:
            TreatError: the training cannot be set otherwise.
        """
        ...
