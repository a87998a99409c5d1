"""What an audit found in plain words, whatever they are written on."""

from __future__ import annotations

from collections.abc import Sequence

from nandoctor.findings import AuditFinding, AuditResult, ClassCount, ComponentSummary, NumberSummary, Severity
from nandoctor.report.values import short
from nandoctor.report.words import count, printable, relative, shortened

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

_ROWS = 7
"""Rows of a finding that a sentence names."""

_FILES = 4
"""Files of a finding that a sentence names."""

_APART = 1.1
"""From this ratio of the most frequent class to the rarest on, it is told."""

_NAMED_CLASS = 40
"""Letters of a class's name that are shown."""


def by_severity(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """The errors first; otherwise in the order in which they were found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def plain(text: str) -> str:
    """A text that may hold names of the user's, without what a terminal would obey; lines stay lines."""
    return "\n".join(printable(line) for line in shortened(text, 2000).split("\n"))


def size_of(result: AuditResult) -> str:
    """How much was audited: `60,000 rows, 2 components`."""
    return f"{count(result.rows, 'row')}, {count(len(result.components), 'component')}"


def found_in_brief(findings: Sequence[AuditFinding]) -> str:
    """How many findings of each severity: `2 errors and 1 warning`."""
    counts = {severity: sum(f.severity == severity for f in findings) for severity in SEVERITIES}
    told = [count(n, severity) for severity, n in counts.items() if n]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told) or "nothing found"


def verdict(result: AuditResult) -> str:
    """What was audited and what came of it, in a sentence."""
    read = "partly read: " if result.partial else ""
    whole = f"{plain(result.data)}: {read}{size_of(result)}, {found_in_brief(result.findings)}"
    return f"{whole} ({seconds(result.seconds)})."


def seconds(took: float) -> str:
    """A time in two digits.

    >>> seconds(0.0213), seconds(4.21), seconds(83.2)
    ('0.021 s', '4.2 s', '83 s')
    """
    return f"{took:.0f} s" if took >= 10 else f"{took:.2g} s"


def fit(result: AuditResult, loss: str | None) -> str:
    """The line that an audit without errors and warnings ends with; what was read in part is not called fit."""
    if not result.rows:
        return "there is no row in it, so nothing could be found."
    rows = f"the {count(result.rows, 'row')} that were read" if result.partial else count(result.rows, "row")
    breaks = f"{'so far' if result.partial else 'fit'}: nothing in {rows} makes a training break"
    if loss is not None:
        return f"{breaks} with {plain(loss)}."
    return f"{breaks}. With --loss NAME the targets are checked against the loss, too."


def rows_text(finding: AuditFinding, *, told: bool = False) -> str:
    """The first rows of a finding: `2, 5, 7 and 1,234 more (counted from 0)`.

    `told`: it has been said how they count.
    """
    shown = ", ".join(map(str, finding.rows[:_ROWS]))
    more = finding.row_count - len(finding.rows[:_ROWS])
    return f"{shown}{f' and {more:,} more' if more > 0 else ''}{'' if told else ' (counted from 0)'}"


def places(finding: AuditFinding) -> str:
    """What the files of a finding are: without rows they may be columns as well."""
    return "Files" if finding.rows else "Names"


def files_text(finding: AuditFinding) -> str:
    """The first files of a finding."""
    shown = [printable(relative(file)) for file in finding.files[:_FILES]]
    more = len(finding.files) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def classes_text(component: ComponentSummary) -> str:
    """The classes of a target in brief: how many, the rarest, the most frequent, and how far they are apart."""
    classes = component.classes
    if not classes:
        return ""
    if len(classes) == 1:
        return f"1 class: {class_name(classes[0])} in all of it"
    unit = "row" if sum(c.elements for c in classes) == component.readable else "element"
    least, most = min(classes, key=lambda c: c.elements), max(classes, key=lambda c: c.elements)
    if least.elements == most.elements:
        return f"{len(classes):,} classes, {count(least.elements, unit)} each"
    ratio = most.elements / least.elements
    apart = f", {short(float(f'{ratio:.2g}'))} to 1" if ratio >= _APART else ""
    return (
        f"{len(classes):,} classes; fewest {count(least.elements, unit)} ({class_name(least)}), most {most.elements:,} "
        f"({class_name(most)}){apart}"
    )


def class_name(known: ClassCount) -> str:
    """`class 3`, or with its name: `3 tree`."""
    name = shortened(printable(known.name), _NAMED_CLASS)
    return f"{known.id} {name}" if name else f"class {known.id}"


def forms_text(component: ComponentSummary) -> tuple[str, str]:
    """Shape and dtype of the most frequent rows; with `+2`, there are rows of so many others.

    >>> forms_text(ComponentSummary(name="x", role="input", rows=3, readable=3, forms=(((28, 28, 1), "uint8", 3),)))
    ('28x28x1', 'uint8')
    """
    if not component.forms:
        return "", ""
    shapes = list(dict.fromkeys(shape for shape, _, _ in component.forms))
    dtypes = list(dict.fromkeys(dtype for _, dtype, _ in component.forms))
    shape = "x".join(map(str, shapes[0])) or "scalar"
    return shape + _others(shapes), printable(dtypes[0]) + _others(dtypes)


def _others(found: Sequence[object]) -> str:
    return f" +{len(found) - 1}" if len(found) > 1 else ""


def bad(numbers: NumberSummary) -> int:
    """Elements that are NaN or infinite."""
    return numbers.nan + numbers.posinf + numbers.neginf
