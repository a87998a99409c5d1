"""An answer held against the truth, and the sums over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from nandoctor.clinic.benchmark.tools import Answer
from nandoctor.clinic.benchmark.truth import Truth


@dataclass(frozen=True, slots=True)
class Score:
    """What was right in one answer. None where the truth asks nothing, or the tool tries nothing.

    `seen` is whether a fault was reported: right for a faulty script, a false accusation for a healthy one.
    """

    truth: Truth
    answer: Answer
    seen: bool
    cause: bool | None
    line: bool | None
    sample: bool | None
    proven: bool | None
    sound: bool | None

    @property
    def right(self) -> bool:
        """Whether all that was asked is right."""
        if self.truth.cause is None:
            return not self.seen and self.answer.trouble is None
        return self.seen and False not in (self.cause, self.line, self.sample)


def score(truth: Truth, answer: Answer) -> Score:
    """Hold an answer against the truth.

    A sample is asked for where the script names its rows; then exactly those rows are right.
    """
    if truth.cause is None:
        return Score(truth, answer, answer.fault, None, None, None, None, None)
    return Score(
        truth,
        answer,
        seen=answer.fault,
        cause=answer.cause == truth.cause,
        line=answer.line in truth.lines,
        sample=None if truth.rows is None else answer.samples == truth.rows,
        proven=answer.proven,
        sound=answer.sound,
    )


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `asked`."""

    right: int
    asked: int

    def __str__(self) -> str:
        return f"{self.right} of {self.asked}" if self.asked else "-"


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums for one tool. `accused` counts healthy scripts that were; `seconds` is the median over all scripts."""

    seen: Share
    cause: Share
    line: Share
    sample: Share
    proven: Share
    sound: Share
    accused: Share
    troubles: int
    seconds: float


def add_up(scores: Sequence[Score]) -> Totals:
    """The totals of one tool's scores, of which there is at least one."""
    faulty = [s for s in scores if s.truth.cause is not None]
    healthy = [s for s in scores if s.truth.cause is None]
    return Totals(
        seen=_share([s.seen for s in faulty]),
        cause=_share([s.cause for s in faulty]),
        line=_share([s.line for s in faulty]),
        sample=_share([s.sample for s in faulty]),
        proven=_share([s.proven for s in faulty]),
        sound=_share([s.sound for s in faulty]),
        accused=_share([s.seen for s in healthy]),
        troubles=sum(s.answer.trouble is not None for s in scores),
        seconds=median(s.answer.seconds for s in scores),
    )


def _share(answers: Sequence[bool | None]) -> Share:
    asked = [answer for answer in answers if answer is not None]
    return Share(sum(asked), len(asked))
