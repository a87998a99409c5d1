"""The frozen types that all stages share: plain data that goes to JSON and back unchanged.

JSON has no NaN and no infinity, so a number that may be either is a `Number`: a float, or one of
the strings ``"nan"``, ``"inf"``, ``"-inf"``. `number` writes one and `real` reads it back.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

SCHEMA = 1

Number = float | Literal["nan", "inf", "-inf"]
Phase = Literal["data", "forward", "backward", "update", "state", "validation"]
Status = Literal["healthy", "fault", "script-error"]


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
    """What replaying the step with a treatment showed, or why it could not be tried."""

    finite: bool | None = None
    gradients_finite: bool | None = None
    still_learns: bool | None = None
    healthy_unchanged: bool | None = None
    steps_replayed: int = 0
    seconds: float = 0.0
    not_possible: str | None = None


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """One remedy. `safe`: the same value wherever the old one was finite."""

    remedy: str
    summary: str
    kind: Literal["edit", "setting", "data"]
    code: str = ""
    diff: str | None = None
    safety: Literal["safe", "changes-training"] = "changes-training"
    verification: Verification | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Which cause, where, from which rows, on what evidence, and what to do.

    `location` is the expression at the root, `surfaced` the place where the fault came to light.
    `samples` are rows of the failing batch, counted from 0; empty where no row in particular is to blame.
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


def to_json(value: msgspec.Struct) -> bytes:
    """The struct as indented JSON, ending with a newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def result_from_json(text: bytes | str) -> Result:
    """The `Result` that `to_json` wrote.

    Raises:
        msgspec.ValidationError: the text is JSON of another shape; the message has the path in it.
    """
    return msgspec.json.decode(text, type=Result)
