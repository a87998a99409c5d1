"""What trials of settings came to, as one HTML file that needs nothing else; see `page.py`."""

from __future__ import annotations

from dataclasses import dataclass

from nandoctor.errors import PageError
from nandoctor.findings import Course, TrialResult, rate_text
from nandoctor.report.page import rendered
from nandoctor.report.trial import seen
from nandoctor.report.trial_charts import trial_charts


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, as it is shown in the table."""

    name: str
    rate: str
    change: str
    outcome: str
    steps: int
    first: str
    loss: str
    why: str
    best: bool
    own: bool


def render_trial(result: TrialResult) -> str:
    """The page of a trial: a whole HTML document, to be written as UTF-8.

    Raises:
        PageError: the page cannot be made.
    """
    try:
        return rendered(
            "trial.html.j2",
            result=result,
            charts=trial_charts(result),
            rows=[_row(course, result) for course in sorted(result.courses, key=_order)],
            seen=seen(result),
        )
    except Exception as error:
        raise PageError(f"the HTML page could not be made ({type(error).__name__}: {error})") from error


def _order(course: Course) -> tuple[bool, str, bool, float]:
    """The script's optimizer first, each from its largest rate down; what else is changed comes after."""
    setting = course.setting
    return not setting.own, setting.optimizer, not setting.plain, -setting.rate


def _row(course: Course, result: TrialResult) -> Row:
    setting = course.setting
    return Row(
        name=setting.optimizer,
        rate=rate_text(setting.rate),
        change=setting.change,
        outcome=course.outcome,
        steps=course.steps,
        first=rate_text(float(course.losses[0])) if course.losses else "",
        loss="" if course.loss is None else rate_text(course.loss),
        why=course.why or "",
        best=setting == result.best,
        own=setting == result.own,
    )
