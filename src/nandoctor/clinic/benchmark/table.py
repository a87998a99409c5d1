"""The scores as a table: in the terminal, and in Markdown for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nandoctor.clinic.benchmark.scoring import Score, Totals, add_up

Scores = Mapping[str, Sequence[Score]]
"""By tool. The first tool is the one that is judged in detail; the others stand beside it."""

Row = tuple[str, ...]

COLUMNS: Row = ("case", "truth", "cause", "line", "sample", "proven", "sound", "s")
TOTALS: Row = ("tool", "fault seen", "cause", "line", "sample", "proven", "sound", "healthy accused", "s")


def case_rows(scores: Scores) -> list[Row]:
    """One row for each script: what the first tool got right, and what the others saw of it."""
    first, *others = scores.values()
    beside = [{s.truth.path: s for s in other} for other in others]
    return [(*_row(s), *(_seen(other.get(s.truth.path)) for other in beside)) for s in first]


def header(scores: Scores) -> Row:
    """The titles of `case_rows`."""
    return (*COLUMNS, *list(scores)[1:])


def total_rows(scores: Scores) -> list[Row]:
    """One row for each tool."""
    return [_total(name, add_up(own)) for name, own in scores.items() if own]


def markdown(columns: Row, rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines) + "\n"


def _row(s: Score) -> Row:
    name = s.truth.path.stem.replace("_", "-")
    marks: Row = (_mark(s.cause, s.answer.cause), _mark(s.line, s.answer.line))
    marks += tuple(_mark(right, None) for right in (s.sample, s.proven, s.sound))
    if s.truth.cause is None:
        marks = ("accused" if s.seen else "yes", "", "", "", "")
    if s.answer.trouble:
        marks = (s.answer.trouble, "", "", "", "")
    return (name, s.truth.cause or "healthy", *marks, f"{s.answer.seconds:.0f}")


def _mark(right: bool | None, instead: object) -> str:
    if right is None:
        return ""
    return "yes" if right else f"no: {instead}" if instead else "no"


def _seen(s: Score | None) -> str:
    """What a tool that names no cause says: a fault or nothing, and the line if it has it."""
    if s is None:
        return ""
    if s.answer.trouble:
        return "trouble"
    if s.truth.cause is None:
        return "accused" if s.seen else "quiet"
    return "line" if s.line else "seen" if s.seen else "missed"


def _total(name: str, t: Totals) -> Row:
    shares = (t.seen, t.cause, t.line, t.sample, t.proven, t.sound, t.accused)
    return (name, *map(str, shares), f"{t.seconds:.0f}")
