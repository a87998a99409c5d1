"""What an audit found, as one HTML file that needs nothing else; see `page.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nandoctor.errors import PageError
from nandoctor.findings import AuditFinding, AuditResult, ComponentSummary, NumberSummary
from nandoctor.report.audit_charts import audit_charts
from nandoctor.report.audit_rows import worst_rows
from nandoctor.report.audit_words import (
    bad,
    by_severity,
    classes_text,
    fit,
    forms_text,
    found_in_brief,
    places,
    plain,
    rows_text,
    seconds,
    size_of,
)
from nandoctor.report.charts import Chart
from nandoctor.report.page import rendered
from nandoctor.report.values import short
from nandoctor.report.words import printable

if TYPE_CHECKING:
    from nandoctor.audit.auditing import Audited

_FINDINGS = 200
_CHANNELS = 64
"""Channels of a component that have a line."""

_COMPONENTS = 100
"""Components that have a part of their own."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding, and where it is."""

    finding: AuditFinding
    rows: str
    places: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumbersView:
    """One line of a table of numbers: a component, or a channel of one."""

    name: str
    words: tuple[str, ...]
    values: tuple[str, ...]
    counts: tuple[tuple[str, bool], ...]
    guilty: bool


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One component: its line, its chart and its channels."""

    summary: ComponentSummary
    name: str
    line: NumbersView
    classes: str
    forms: tuple[str, ...]
    quantiles: tuple[tuple[str, str], ...]
    chart: Chart | None
    channels: tuple[NumbersView, ...]
    channels_left_out: int


_SHARES = ("smallest", "1%", "5%", "25%", "median", "75%", "95%", "99%", "largest")


def render_audit(audited: Audited, *, loss: str | None = None) -> str:
    """The page of an audit: a whole HTML document, to be written as UTF-8.

    Args:
        audited: with the source, from which rows are read again to be shown.
        loss: the name of the loss that the data were checked for.

    Raises:
        PageError: the page cannot be made.
    """
    try:
        return _rendered(audited, loss)
    except Exception as error:
        raise PageError(f"the HTML page could not be made ({type(error).__name__}: {error})") from error


def _rendered(audited: Audited, loss: str | None) -> str:
    result = audited.result
    findings = by_severity(result.findings)
    suspects = {finding.component for finding in findings}
    chosen = sorted(result.components, key=lambda c: c.name not in suspects)[:_COMPONENTS]
    charts = audit_charts(chosen)
    return rendered(
        "audit.html.j2",
        result=result,
        data=printable(result.data),
        verdict=_verdict(result, loss),
        lead=f"{size_of(result)}, {found_in_brief(findings)}; {seconds(result.seconds)}.",
        status=_status(result),
        findings=[_finding(f, result.data) for f in findings[:_FINDINGS]],
        findings_left_out=max(0, len(findings) - _FINDINGS),
        causes=list(dict.fromkeys(f.cause for f in findings)),
        components=[_component(c, charts.get(c.name)) for c in chosen],
        components_left_out=len(result.components) - len(chosen),
        worst=worst_rows(audited) if findings else None,
        notes=[plain(note) for note in result.notes],
    )


def _status(result: AuditResult) -> tuple[str, str]:
    """The class of the style sheet, and the word."""
    if result.status == "fault":
        return "fault", "Not fit" if any(f.severity == "error" for f in result.findings) else "With warnings"
    if not result.rows or result.partial:
        return "unwatched", "Read so far" if result.rows else "Nothing read"
    return "healthy", "Fit"


def _verdict(result: AuditResult, loss: str | None) -> str:
    if result.status != "fault":
        text = fit(result, loss).removeprefix("fit: ").removeprefix("so far: ")
        return text[:1].upper() + text[1:]
    first = by_severity(result.findings)[0]
    return f"{first.title}."


def _finding(finding: AuditFinding, data: str) -> FindingView:
    return FindingView(
        finding=finding,
        rows=rows_text(finding) if finding.rows else "",
        places=places(finding),
        files=() if finding.files == (data,) else tuple(printable(file) for file in finding.files),
    )


def _component(component: ComponentSummary, chart: Chart | None) -> ComponentView:
    quantiles = component.quantiles if len(component.quantiles) == len(_SHARES) else ()
    return ComponentView(
        summary=component,
        name=printable(component.name),
        line=_line(component),
        classes=classes_text(component),
        forms=_forms(component),
        quantiles=tuple((name, short(value)) for name, value in zip(_SHARES, quantiles, strict=False)),
        chart=chart,
        channels=tuple(_numbers(c, printable(c.name), ()) for c in component.channels[:_CHANNELS]),
        channels_left_out=max(0, len(component.channels) - _CHANNELS),
    )


def _line(component: ComponentSummary) -> NumbersView:
    words = (component.role, *forms_text(component))
    name = printable(component.name)
    if component.numbers is None:
        return NumbersView(name, words, ("",) * 4, (("", False),) * 3, False)
    return _numbers(component.numbers, name, words)


def _numbers(numbers: NumberSummary, name: str, words: tuple[str, ...]) -> NumbersView:
    infinite = numbers.posinf + numbers.neginf
    return NumbersView(
        name=name,
        words=words,
        values=tuple(short(v) for v in (numbers.min, numbers.max, numbers.mean, numbers.std)),
        counts=(
            (f"{numbers.nan:,}", numbers.nan > 0),
            (f"{infinite:,}", infinite > 0),
            (f"{numbers.zero:,}", False),
        ),
        guilty=bad(numbers) > 0,
    )


def _forms(component: ComponentSummary) -> tuple[str, ...]:
    """Each shape and dtype with its rows, where there are several."""
    if len(component.forms) < 2:
        return ()
    return tuple(f"{'x'.join(map(str, s)) or 'scalar'} {printable(d)}: {n:,} rows" for s, d, n in component.forms)
