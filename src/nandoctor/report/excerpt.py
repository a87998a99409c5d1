"""The user's source around an expression, with the expression itself marked."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from dataclasses import dataclass

from nandoctor.findings import Location
from nandoctor.report.words import relative, shortened

_AROUND = 4
_LONGEST = 24
"""Lines of an expression that are shown; a call of `compile` may be written over many."""


_LONG = 400
"""Characters of a line that are shown before the marked part."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source: what stands before the marked part, the part, and what stands behind it."""

    number: int
    before: str
    marked: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A place in the source. `lines` is empty where the file cannot be read; `code` is then all there is."""

    place: str
    function: str
    layer: str
    code: str
    lines: tuple[Line, ...]
    cut: int = 0


def excerpt(location: Location, sources: Mapping[str, str]) -> Excerpt:
    """The lines around a location, from `sources` (text by file name) or else from the file."""
    first, last = location.line, max(location.line, location.end_line or location.line)
    shown = min(last, first + _LONGEST - 1)
    lines = _lines(location.file, sources)
    end = shown + _AROUND if shown == last else shown
    numbers = _trimmed(range(max(1, first - _AROUND), min(len(lines), end) + 1), lines) if first <= len(lines) else []
    indent = _common_indent([lines[n - 1] for n in numbers])
    return Excerpt(
        place=f"{relative(location.file)}:{location.line}",
        function=_named(location.function),
        layer=location.layer or "",
        code=shortened(location.code),
        lines=tuple(_line(n, lines[n - 1], location, last, indent) for n in numbers),
        cut=last - shown,
    )


def _trimmed(numbers: range, lines: list[str]) -> list[int]:
    """Without empty lines at the two ends."""
    full = [n for n in numbers if lines[n - 1].strip()]
    return [n for n in numbers if full and full[0] <= n <= full[-1]]


def _lines(file: str, sources: Mapping[str, str]) -> list[str]:
    return sources[file].splitlines() if file in sources else [s.rstrip("\r\n") for s in linecache.getlines(file)]


def _named(function: str | None) -> str:
    """The name of a function; a module and a lambda have none that says anything."""
    return "" if function is None or function.startswith("<") else function


def _common_indent(lines: list[str]) -> int:
    """The white space that all lines begin with, where they begin with the same."""
    full = [line for line in lines if line.strip()]
    width = min((len(line) - len(line.lstrip()) for line in full), default=0)
    return width if len({line[:width] for line in full}) == 1 else 0


def _line(number: int, text: str, location: Location, last: int, indent: int) -> Line:
    """A line cut into three; indentation is never marked."""
    if not location.line <= number <= last:
        return Line(number, shortened(text[indent:]))
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if number == location.line and location.column is not None:
        start = max(start, location.column)
    if number == last and location.end_column is not None:
        end = min(end, location.end_column)
    start = max(start, indent)
    if start >= end:  # the file is not what it was
        start, end = min(indent, len(text)), len(text.rstrip())
    before = text[indent:start]
    before = before if len(before) <= _LONG else f"...{before[-_LONG:]}"
    return Line(number, before, shortened(text[start:end]), shortened(text[end:]))
