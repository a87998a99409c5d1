"""What an audit found, as text at 80 columns, readable without colour: the verdict, the data, then what is wrong."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from nandoctor.audit.repair import Repair, Target
from nandoctor.findings import AuditFinding, AuditResult, Severity
from nandoctor.report.audit_table import component_table
from nandoctor.report.audit_words import by_severity, classes_text, files_text, fit, places, plain, rows_text, verdict
from nandoctor.report.terminal import console_on, print_row, print_wrapped
from nandoctor.report.words import count, printable

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow", "note": "bold"}

_INDENT = 2

_FINDINGS = 30
"""Findings that are printed; a table of features may have one for each of thousands."""

_EXPLAINED = 5
"""Causes whose page is pointed to."""


def print_audit(result: AuditResult, stream: TextIO, *, loss: str | None = None, rows_asked: bool = False) -> None:
    """Print what the data are, and what is wrong with them.

    Args:
        result: of the audit.
        stream: to which.
        loss: the name of the loss that they were checked for.
        rows_asked: whether the rows of the findings go to a file anyway, so that it need not be said how.
    """
    console = console_on(stream)
    print_wrapped(console, Text(f"nandoctor: {verdict(result)}", _verdict_style(result)))
    for note in result.notes:
        print_row(console, "Note", Text(plain(note)))
    _print_components(console, result)
    findings = by_severity(result.findings)
    for n, finding in enumerate(findings[:_FINDINGS]):
        console.print()
        _print_finding(console, finding, result.data, first=n == 0)
    console.print()
    for n, line in enumerate(_more(findings, rows_asked=rows_asked)):
        print_row(console, "More" if n == 0 else "", Text(line))
    if result.status != "fault":
        print_wrapped(
            console,
            Text(f"nandoctor: {fit(result, loss)}", "bold green" if result.rows and not result.partial else "bold"),
        )


def print_repair(repair: Repair, target: Target, stream: TextIO) -> None:
    """Print what `--fix` wrote, and what it takes beside that: what no row is to blame for."""
    console = console_on(stream)
    console.print()
    path = printable(str(target.path))
    print_row(console, "Wrote", Text(f"{path}: {target.writer.what}"))
    left = len(repair.dropped)
    causes = ", ".join(f"{n:,} for {cause}" for cause, n in repair.causes)
    print_row(
        console,
        "",
        Text(f"{repair.rows - left:,} of {count(repair.rows, 'row')}{f'; left out: {causes}' * bool(left)}"),
    )
    if target.writer.use:
        print_row(console, "", Text(target.writer.use.format(path), "green"))
    for found in repair.still:
        of = f" of {printable(found.component)}" if found.component else ""
        print_row(console, "Still", Text(f"{found.cause}{of}, in your program:"))
        for line in (found.code or "").splitlines():
            print_row(console, "", Text(plain(line), "green"))
    console.print()


def _verdict_style(result: AuditResult) -> str:
    severities = [f.severity for f in result.findings]
    return _STYLES[by_severity(result.findings)[0].severity] if severities else "bold"


def _print_components(console: Console, result: AuditResult) -> None:
    if not result.components:
        return
    suspects = frozenset(f.component for f in result.findings)
    table = component_table(result.components, suspects, console.width - _INDENT)
    console.print()
    for line, style in ((table.head, "bold"), *((line, "red" if bad else "") for line, bad in table.lines)):
        console.print(Text(" " * _INDENT + line, style), no_wrap=True, overflow="crop")
    if table.left_out:
        _print_line(console, Text(f"and {count(table.left_out, 'more component')}: --html and --json have all"))
    classes = [f"{printable(c.name)}: {text}" for c in result.components if (text := classes_text(c))]
    if classes:
        console.print()
    for text in classes:
        _print_line(console, Text(text))


def _print_line(console: Console, text: Text) -> None:
    """A line, set in; what is too long goes on below."""
    for line in text.wrap(console, console.width - _INDENT):
        line.rstrip()
        console.print(Text.assemble(" " * _INDENT, line))


def _print_finding(console: Console, finding: AuditFinding, data: str, *, first: bool) -> None:
    head = f"{finding.severity} {finding.code} {finding.cause}"
    print_wrapped(console, Text.assemble((head, _STYLES[finding.severity]), f": {plain(finding.summary)}"))
    for n, fact in enumerate(finding.evidence):
        print_row(console, "Seen" if n == 0 else "", Text(plain(fact.text)))
    if finding.rows:
        print_row(console, "Rows", Text(rows_text(finding, told=not first)))
    if finding.files and finding.files != (data,):
        print_row(console, places(finding), Text(files_text(finding)))
    if finding.repair is not None:
        print_row(console, "Fix", Text(plain(finding.repair)))
    for n, line in enumerate((finding.code_of_repair or "").splitlines()):
        print_row(console, "Fix" if finding.repair is None and n == 0 else "", Text(plain(line), "green"))


def _more(findings: list[AuditFinding], *, rows_asked: bool) -> list[str]:
    """Where to read on, and how to get what was left out."""
    if not findings:
        return []
    left_out = len(findings) - _FINDINGS
    lines = [f"{count(left_out, 'more finding')}: all are in --html and --json"] if left_out > 0 else []
    lines += [f"nandoctor explain {cause}" for cause in dict.fromkeys(f.cause for f in findings)][:_EXPLAINED]
    if not rows_asked and any(f.row_count > len(f.rows) for f in findings):
        lines.append("--rows FILE writes all rows of all findings")
    return lines
