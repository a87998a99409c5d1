"""A result as text: the verdict first, readable at 80 columns and without colour."""

from __future__ import annotations

import os
import shlex
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nandoctor.findings import Diagnosis, Location, Result, Treatment
from nandoctor.report.words import (
    PAGE,
    changed_lines,
    count,
    headline,
    healthy,
    proof,
    relative,
    rows_text,
    undiagnosed,
)

_WIDEST = 100
_NARROWEST = 40
_LABEL = 9


def healthy_line(result: Result) -> str:
    """The one line that a healthy run ends with."""
    return "\n".join(f"nandoctor: {line}" for line in (healthy(result), *result.notes))


def went_on_line(result: Result) -> str:
    """What a training ends with that has gone on through faults, or could not: they have been told as they came."""
    lines = (f"{count(result.steps, 'healthy step')} watched. What broke is reported above.", *result.notes)
    return "\n".join(f"nandoctor: {line}" for line in lines)


def print_result(result: Result, stream: TextIO, *, untreated: bool = False, brief: bool = False) -> None:
    """Print what a command found.

    `untreated`: what to do about the last finding will be printed once it was tried. `brief`: what is wrong, where and
    how to fix it, of a training that goes on.
    """
    console = console_on(stream)
    console.print()
    if not result.diagnoses:
        _print_undiagnosed(console, result)
    for n, diagnosis in enumerate(result.diagnoses, 1):
        _print_diagnosis(console, diagnosis, result, brief=brief)
        if not untreated or n < len(result.diagnoses):
            _print_cure(console, diagnosis, result, brief=brief)


def print_treatments(result: Result, stream: TextIO, *, offer: bool = True) -> None:
    """Print what to do about the last finding, after `print_result` has left it out.

    `offer`: the command that applies what is proven is named.
    """
    console = console_on(stream)
    console.print()
    _print_cure(console, result.diagnoses[-1], result, offer=offer)


def console_on(stream: TextIO) -> Console:
    """A console as wide as its stream is, within bounds."""
    console = Console(file=stream, highlight=False, soft_wrap=False, emoji=False, markup=False)
    console.width = min(max(console.width, _NARROWEST), _WIDEST)
    return console


def print_wrapped(console: Console, text: Text) -> None:
    """A sentence over as many lines as it needs."""
    for line in text.wrap(console, console.width):
        line.rstrip()
        console.print(line)


def _print_undiagnosed(console: Console, result: Result) -> None:
    console.print(Text(f"nandoctor: {undiagnosed(result)}", "bold red"))
    for note in result.notes:
        print_row(console, "Note", Text(note))
    if result.capsule:
        print_row(console, "More", Text(_page(result.capsule)))


def _print_diagnosis(console: Console, diagnosis: Diagnosis, result: Result, *, brief: bool) -> None:
    print_wrapped(console, Text(f"nandoctor: {headline(diagnosis, result)}", "bold red"))
    if diagnosis.location is not None:
        console.print()
        _print_excerpt(console, diagnosis.location)
    console.print()
    why = Text.assemble((f"{diagnosis.code} {diagnosis.cause}", "bold"), f": {diagnosis.summary}")
    print_row(console, "Why", why)
    if diagnosis.samples:
        print_row(console, "Rows", Text(rows_text(diagnosis)))
    for n, fact in enumerate(diagnosis.evidence if not brief else ()):
        print_row(console, "Seen" if n == 0 else "", Text(fact.text))


def _print_cure(
    console: Console, diagnosis: Diagnosis, result: Result, *, offer: bool = True, brief: bool = False
) -> None:
    """What to do: what is proven, or else the advice; what was tried in vain; and where to read on."""
    proven = [t for t in diagnosis.treatments if t.proven]
    refused = [t for t in diagnosis.treatments if t.verification is not None and not t.proven]
    advised = [t for t in diagnosis.treatments if t.verification is None]
    for n, treatment in enumerate((proven or advised)[: 1 if brief else 2]):
        _print_treatment(console, treatment, "Or" if n and proven else "Fix")
    if offer and result.capsule is not None and diagnosis is result.diagnoses[-1]:
        _print_offer(console, shlex.quote(relative(result.capsule)), proven=bool(proven), tried=bool(refused))
    for n, treatment in enumerate(refused[:3]):
        assert treatment.verification is not None
        text = f"{treatment.summary.rstrip('.')}. {proof(treatment.verification)}"
        print_row(console, "Not" if n == 0 else "", Text(text, "dim"))
    for n, other in enumerate(diagnosis.alternatives[:2] if not brief else ()):
        print_row(console, "Or" if n == 0 else "", Text(f"{other.code} {other.cause} ({other.confidence:.0%})", "dim"))
    for note in result.notes:
        print_row(console, "Note", Text(note))
    for n, more in enumerate(_more(diagnosis, result)):
        print_row(console, "More" if n == 0 else "", Text(more))
    console.print()


def _print_offer(console: Console, capsule: str, *, proven: bool, tried: bool) -> None:
    """The command that applies what is proven, or that tries what nobody has tried."""
    if proven:
        print_row(console, "", Text(f"apply it:  nandoctor treat --fix {capsule}"))
    elif not tried:
        print_row(console, "", Text(f"try it:  nandoctor treat {capsule}"))


def _more(diagnosis: Diagnosis, result: Result) -> list[str]:
    """Where to read on."""
    page = [] if result.capsule is None else [_page(result.capsule)]
    return page + ([] if diagnosis.code == "ND000" else [f"nandoctor explain {diagnosis.cause}"])


def _page(capsule: str) -> str:
    """The page in a capsule, or the capsule where the page could not be made."""
    page = os.path.join(capsule, PAGE)
    return relative(page if os.path.isfile(page) else capsule)


def _print_excerpt(console: Console, location: Location) -> None:
    """`file:line`, the source line, and a mark under the exact expression."""
    place = f"{relative(location.file)}:{location.line}"
    layer = f"   (in {location.layer})" if location.layer else ""
    if len(place) + len(layer) + 2 > console.width:
        layer = ""
    if len(place) + 2 > console.width:
        place = "..." + place[-(console.width - 5) :]
    console.print(Text.assemble("  ", (place, "cyan"), layer))
    line = _source_line(location)
    if not line:
        return
    same_line = location.end_line in (None, location.line)
    if same_line and location.end_column is not None:
        line = _without_comment(line, location.end_column)
    indent = len(line) - len(line.lstrip())
    start = max(0, (location.column or indent) - indent)
    end = (location.end_column or len(line)) - indent if same_line else len(line.rstrip()) - indent
    line, start, end = _fitted(line.strip(), start, end, console.width - 6)
    console.print(Text.assemble("    ", (line, "bold")))
    if location.column is not None and end > start:
        console.print(Text.assemble("    ", (" " * start + "^" * (end - start), "red")))


def _without_comment(line: str, end: int) -> str:
    """The line without a comment behind the expression, which would push it out of the window."""
    rest = line[end:]
    return line[:end] + (rest.split("#", 1)[0].rstrip() if "#" in rest and not set(rest) & set("\"'") else rest)


def _fitted(line: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """A long line cut around the marked expression."""
    if len(line) <= width:
        return line, start, min(end, len(line))
    left = max(0, min(start - 8, len(line) - width))
    cut = line[left : left + width]
    cut = ("..." + cut[3:]) if left else cut
    return cut, start - left, min(end - left, len(cut))


def _source_line(location: Location) -> str:
    import linecache

    return linecache.getline(location.file, location.line).rstrip("\n").expandtabs(1)


def _print_treatment(console: Console, treatment: Treatment, label: str) -> None:
    safety = " Same value wherever it was finite." if treatment.safety == "safe" and not treatment.proven else ""
    print_row(console, label, Text(treatment.summary + safety))
    if treatment.verification is not None:
        print_row(console, "", Text(proof(treatment.verification), "bold"))
    lines = changed_lines(treatment)
    for line in lines:
        print_row(console, "", Text(line, "green" if line.startswith("+") else "red"))
    for line in () if lines else treatment.code.splitlines():
        print_row(console, "", Text(line, "green"))


def print_row(console: Console, label: str, text: Text) -> None:
    """A label in the left margin and text wrapped beside it."""
    width = console.width - _LABEL - 2
    wrapped = text.wrap(console, width)
    for n, line in enumerate(wrapped):
        line.rstrip()
        head = Text(f"  {label if n == 0 else '':<{_LABEL - 2}}", "bold" if label else "")
        console.print(Padding(Text.assemble(head, line), 0, expand=False))
