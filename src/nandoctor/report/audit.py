"""What an audit found, as text at 80 columns."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from nandoctor.findings import AuditFinding, AuditResult
from nandoctor.report.terminal import console_on, print_row, print_wrapped
from nandoctor.report.words import count

_STYLES = {"error": "bold red", "warning": "yellow", "note": ""}


def print_audit(result: AuditResult, stream: TextIO) -> None:
    """Print what the data are, and what is wrong with them."""
    console = console_on(stream)
    head = f"nandoctor: {result.data}: {count(result.rows, 'row')}, {count(len(result.findings), 'finding')}."
    print_wrapped(console, Text(head, "bold"))
    for finding in result.findings:
        console.print()
        _print_finding(console, finding)


def _print_finding(console: Console, finding: AuditFinding) -> None:
    print_wrapped(
        console, Text.assemble((f"{finding.code} {finding.cause}: ", _STYLES[finding.severity]), finding.summary)
    )
    for fact in finding.evidence:
        print_row(console, "Seen", Text(fact.text))
    if finding.repair is not None:
        print_row(console, "Fix", Text(finding.repair))
