"""The frozen types that all stages share: plain data that goes to JSON and back unchanged.

JSON has no NaN and no infinity, so a number that may be either is a `Number`: a float, or one of
the strings ``"nan"``, ``"inf"``, ``"-inf"``. `number` writes one and `real` reads it back.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

import msgspec

SCHEMA = 1

Number = float | Literal["nan", "inf", "-inf"]
Phase = Literal["data", "forward", "backward", "update", "state", "validation"]
Status = Literal["healthy", "fault", "script-error"]
Dataset = Literal["x", "validation_data"]


def number(value: float) -> Number:
    """The JSON-safe form of a float.

    >>> number(0.5), number(float("-inf"))
    (0.5, '-inf')
    """
    value = float(value)
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def real(value: Number) -> float:
    """The float that `number` wrote.

    >>> real("-inf")
    -inf
    """
    return float(value)


class TensorStats(msgspec.Struct, frozen=True, kw_only=True):
    """What one tensor held.

    Counts are of elements. `min`, `max`, `mean`, `std` and `absmax` are taken over the finite part and
    are None where there is none. `first_bad` is the index of the first element that is not finite.
    """

    shape: tuple[int, ...]
    dtype: str
    count: int
    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    zero: int = 0
    subnormal: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    absmax: float | None = None
    first_bad: tuple[int, ...] | None = None

    @property
    def finite(self) -> bool:
        return self.nan + self.posinf + self.neginf == 0


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """An expression in the user's source. Lines count from 1, columns from 0 (in characters)."""

    file: str
    line: int
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    function: str | None = None
    code: str = ""
    layer: str | None = None


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """One input or output of an event: who made it, and what it held."""

    producer: int | None
    role: str
    stats: TensorStats | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the replayed step."""

    index: int
    op: str
    kind: str
    phase: Phase
    location: Location | None
    forward: int | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One training step as the guard saw it. Norms are Euclidean; `seconds` is wall time.

    `action`: what the guard did about it, where it was not applied and training went on.
    """

    step: int
    epoch: int
    batch: int
    loss: Number | None = None
    gradient_norm: Number | None = None
    weight_norm: Number | None = None
    update_ratio: Number | None = None
    learning_rate: float | None = None
    loss_scale: float | None = None
    skipped: bool = False
    seconds: float = 0.0
    action: str | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence: a sentence, and the numbers in it by name."""

    text: str
    values: dict[str, Any] = {}


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another cause that was weighed, and why it stands behind the first."""

    cause: str
    code: str
    confidence: float
    why: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What trying a treatment showed, or why it could not be tried.

    `steps_replayed` counts the steps that were taken with it, `seconds` the time of the trial. `why` says what did not
    hold. `whole` is whether the script was run with it from its start to its own end.
    """

    finite: bool | None = None
    gradients_finite: bool | None = None
    still_learns: bool | None = None
    healthy_unchanged: bool | None = None
    steps_replayed: int = 0
    seconds: float = 0.0
    whole: bool = False
    why: str | None = None
    not_possible: str | None = None

    @property
    def holds(self) -> bool:
        """Whether all that was looked at is as it should be: then the treatment is proven."""
        return self.finite is True and self.gradients_finite is True and self.still_learns is not False


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """One remedy. `safe`: the same value wherever the old one was finite.

    `canonical`: of those that could be written here, the one that the cause names first.
    """

    remedy: str
    summary: str
    kind: Literal["edit", "setting", "data"]
    code: str = ""
    diff: str | None = None
    safety: Literal["safe", "changes-training"] = "changes-training"
    canonical: bool = False
    verification: Verification | None = None

    @property
    def proven(self) -> bool:
        return self.verification is not None and self.verification.holds


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Which cause, where, from which rows, on what evidence, and what to do.

    `location` is the expression at the root, `surfaced` the place where the fault came to light.
    `samples` are rows of the failing batch, counted from 0; empty where no row in particular is to blame.
    `dataset_rows` are the same rows in what `fit` or `evaluate` was given (its argument `dataset`), `dataset_batch` is
    the batch of a `PyDataset` that they are in, `files` are those that they were read from: where it shows.
    """

    cause: str
    code: str
    title: str
    phase: Phase
    step: int
    epoch: int
    batch: int
    summary: str
    location: Location | None
    surfaced: Location | None
    origin: Event | None
    chain: tuple[Event, ...]
    samples: tuple[int, ...]
    batch_size: int | None
    dataset: Dataset | None = None
    dataset_rows: tuple[int, ...] = ()
    dataset_batch: int | None = None
    files: tuple[str, ...] = ()
    evidence: tuple[Fact, ...]
    confidence: float
    alternatives: tuple[Alternative, ...]
    treatments: tuple[Treatment, ...]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard did so that a training could go on through a fault, or that it ended it.

    `surface` is what was not finite (`loss`, `gradient`, `state`, `weights`), or `spike`. `back_to` is the step before
    which the state was taken that training went on from; `rate_factor` and `clip_norm` are what was changed for good.
    """

    kind: Literal["skipped", "rolled-back", "treated", "stopped"]
    step: int
    epoch: int
    batch: int
    surface: str
    text: str
    back_to: int | None = None
    rate_factor: float | None = None
    clip_norm: float | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a command found: the document that `--json` writes."""

    command: str
    status: Status
    schema: int = SCHEMA
    version: str = ""
    script: str | None = None
    steps: int = 0
    guard_cost: float | None = None
    verdict: Literal["reproduced", "not-reproduced", "not-replayed"] | None = None
    capsule: str | None = None
    notes: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    actions: tuple[Action, ...] = ()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How a short training is set.

    Attributes:
        optimizer: the name of its class.
        own: whether it is the script's own, with all its arguments; otherwise it has those of its class.
        rate: the learning rate; of a schedule, the largest that it gives in such a training.
        clip: what the norm of all gradients together is clipped to, instead of any clip of the script's; `none`: no
            clip at all; null: as the script has it.
        standardised: what of the data is brought to mean 0 and spread 1, over all batches of the trial.
    """

    optimizer: str
    own: bool = True
    rate: float
    clip: float | Literal["none"] | None = None
    standardised: tuple[Literal["inputs", "targets"], ...] = ()

    @property
    def plain(self) -> bool:
        """Whether only the optimizer and the rate may be other than the script's."""
        return self.clip is None and not self.standardised

    @property
    def change(self) -> str:
        """What else than optimizer and rate is changed; empty where nothing is.

        >>> Setting(optimizer="SGD", rate=0.1, clip=1.0, standardised=("inputs", "targets")).change
        'with global_clipnorm=1 and with inputs and targets standardised'
        """
        clip = "" if self.clip is None else "without clipping"
        if isinstance(self.clip, float):
            clip = f"with global_clipnorm={self.clip:g}"
        data = f"with {' and '.join(self.standardised)} standardised" if self.standardised else ""
        return " and ".join(part for part in (clip, data) if part)

    @property
    def words(self) -> str:
        """All of it in words.

        >>> Setting(optimizer="Nadam", rate=1e-3).words, Setting(optimizer="SGD", rate=3.0, clip="none").words
        ('Nadam at 1e-3', 'SGD at 3 without clipping')
        """
        return " ".join(filter(None, (f"{self.optimizer} at {rate_text(self.rate)}", self.change)))


def rate_text(rate: float) -> str:
    """A learning rate as it is written by hand, in three digits.

    >>> [rate_text(r) for r in (1e-3, 0.00021, 0.03, 0.1, 10.0, 300.0, 12345.0, 0.0)]
    ['1e-3', '2.1e-4', '0.03', '0.1', '10', '300', '1.23e4', '0']
    """
    if rate == 0 or 0.01 <= abs(rate) < 1e4:
        return f"{float(f'{rate:.3g}'):g}"
    digits, exponent = f"{rate:.2e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"


Outcome = Literal["diverges", "finite", "learns", "error"]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a short training with one setting.

    Attributes:
        setting: it.
        outcome: `diverges`: not finite, or the loss ran away; `learns`: the loss fell; `finite`: neither; `error`: it
            does not run.
        losses: of each step; the last one may be the step that broke.
        loss: the mean of the last of them; null where the last is not finite.
        change: how far that is from the losses of the same batches before any training, as a share of them; below 0
            where it fell.
        why: of one that diverges or does not run, what was seen.
    """

    setting: Setting
    outcome: Outcome
    losses: tuple[Number, ...] = ()
    loss: float | None = None
    change: float | None = None
    why: str | None = None

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return len(self.losses)

    @property
    def held(self) -> bool:
        """Whether it ran, and neither broke nor ran away."""
        return self.outcome in ("finite", "learns")


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `nandoctor trial` found: the document that its `--json` writes.

    Attributes:
        answer: what was found, in a sentence or two.
        status: whether the script's own setting neither broke nor ran away.
        own: the script's own setting.
        best: the one that learns fastest; null where none learns.
        largest_rate: the largest rate of the script's own optimizer that stays finite, with all tried below it, and
            learns; null where there is none.
        step: the step that the trainings begin before.
        steps: of the longest training.
        batches: how many different ones are trained on, again and again.
        schedule: whether the script's rate is given by a schedule.
        courses: one for each setting, in the order in which they were chosen.
    """

    answer: str
    command: str = "trial"
    status: Literal["healthy", "fault"]
    schema: int = SCHEMA
    version: str = ""
    script: str | None = None
    capsule: str | None = None
    own: Setting
    best: Setting | None = None
    largest_rate: float | None = None
    step: int = 1
    steps: int
    batches: int
    schedule: bool = False
    seconds: float = 0.0
    courses: tuple[Course, ...]
    notes: tuple[str, ...] = ()


Severity = Literal["error", "warning", "note"]


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with data.

    Attributes:
        severity: `error`: a training breaks on it; `warning`: it may, or learns less; `note`: good to know.
        component: which of the data's components; empty where it is none in particular.
        rows: the first of the rows it holds for, from 0; `row_count` counts all of them.
        files: where those rows, or what has no row, are.
        repair: what to do; `code_of_repair` is how that is written, where there is something to write.
    """

    cause: str
    code: str
    title: str
    severity: Severity
    component: str = ""
    summary: str
    rows: tuple[int, ...] = ()
    row_count: int = 0
    files: tuple[str, ...] = ()
    evidence: tuple[Fact, ...] = ()
    repair: str | None = None
    code_of_repair: str | None = None


class NumberSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What numbers hold: counts of elements; extremes, mean and standard deviation of the finite ones."""

    name: str = ""
    count: int
    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    zero: int = 0
    subnormal: int = 0
    beyond_half: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


class ClassCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many elements have a class id, and how many rows hold it."""

    id: int
    name: str = ""
    elements: int
    rows: int


class ComponentSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One component of audited data.

    Attributes:
        forms: the shapes and dtypes of its rows, and how many rows have each; the 20 most frequent.
        numbers: of all elements; `channels` of each channel or feature.
        quantiles: at 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 and 1, from a sketch of a sample: to a rank of
            2%.
        histogram: edges, and the share of the elements between each two.
        distinct: different numbers: exact of uint8 and of class ids; else those of a sample, estimated beyond 4,096.
        classes: of targets that are class ids.
        duplicates: rows that are the same as an earlier one.
    """

    name: str
    role: Literal["input", "target", "weight"]
    rows: int
    readable: int
    forms: tuple[tuple[tuple[int, ...], str, int], ...] = ()
    numbers: NumberSummary | None = None
    channels: tuple[NumberSummary, ...] = ()
    quantiles: tuple[float, ...] = ()
    histogram: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    distinct: int | None = None
    classes: tuple[ClassCount, ...] = ()
    duplicates: int = 0


class AuditResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `nandoctor audit` found: the document that its `--json` writes.

    Attributes:
        status: `fault` with an error or a warning among the findings.
        data: what was audited, as the user named it; `kind`: what that is.
        rows: of it, unreadable ones too; `partial`: not all were read.
    """

    command: str = "audit"
    status: Status
    schema: int = SCHEMA
    version: str = ""
    data: str
    kind: str = ""
    rows: int
    partial: bool = False
    findings: tuple[AuditFinding, ...] = ()
    components: tuple[ComponentSummary, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        """What it is about and a line for each finding; `repr` has all of it."""
        read = "partly read: " if self.partial else ""
        found = f"{len(self.findings):,} finding{'s' * (len(self.findings) != 1)}"
        head = f"{self.data}: {read}{self.rows:,} row{'s' * (self.rows != 1)}, {found}"
        return "\n".join([head, *(f"  {f.severity} {f.code} {f.cause}: {f.summary}" for f in self.findings)])


def to_json(value: msgspec.Struct) -> bytes:
    """The struct as indented JSON, ending with a newline; what is no text in a file's name is a `?`."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode("utf-8", "replace")
    return msgspec.json.format(text, indent=2) + b"\n"


def result_from_json(text: bytes | str) -> Result:
    """The `Result` that `to_json` wrote.

    Raises:
        msgspec.ValidationError: the text is JSON of another shape; the message has the path in it.
    """
    return msgspec.json.decode(text, type=Result)
