"""The components of audited data as a table of at most 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nandoctor.findings import ComponentSummary
from nandoctor.report.audit_words import bad, forms_text
from nandoctor.report.values import short
from nandoctor.report.words import printable

SHOWN = 20
"""Components that are shown; a table of features may have thousands."""

_NAME = 24
"""Letters of a component's name, where there is room."""

_HEADS = ("component", "role", "shape", "dtype", "min", "max", "mean", "std", "NaN", "inf")
_LEFT = 4
"""Columns of words, which begin at the left."""

_SHRINK = ((0, 10), (2, 7), (3, 7), (0, 6), (2, 4))
"""Columns that give way where the numbers need the room, and to which width."""


@dataclass(frozen=True, slots=True)
class ComponentTable:
    """Head and lines, a line with whether it holds NaN or infinity; `left_out`: components without a line."""

    head: str
    lines: tuple[tuple[str, bool], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Layout:
    columns: tuple[int, ...]
    widths: tuple[int, ...]
    gap: str

    @property
    def whole(self) -> int:
        return sum(self.widths) + len(self.gap) * (len(self.widths) - 1)

    def line(self, cells: Sequence[str]) -> str:
        """The cells, each as wide as its column."""
        placed = (_placed(cells[n], wide, n) for n, wide in zip(self.columns, self.widths, strict=True))
        return self.gap.join(placed).rstrip()


def component_table(components: Sequence[ComponentSummary], suspects: frozenset[str], width: int) -> ComponentTable:
    """The table, at most `width` wide; of many components those with findings first."""
    shown = sorted(components, key=lambda c: c.name not in suspects)[:SHOWN] if len(components) > SHOWN else components
    for digits, gap in ((4, "  "), (4, " "), (3, " ")):
        lines = [_cells(component, digits) for component in shown]
        layout = _layout(lines, gap)
        if layout.whole <= width:
            break
    layout = _shrunk(layout, width)
    return ComponentTable(
        head=layout.line(_HEADS),
        lines=tuple((layout.line(cells), _is_bad(c)) for cells, c in zip(lines, shown, strict=True)),
        left_out=len(components) - len(shown),
    )


def _is_bad(component: ComponentSummary) -> bool:
    return component.numbers is not None and bad(component.numbers) > 0


def _cells(component: ComponentSummary, digits: int) -> tuple[str, ...]:
    name = _cut(printable(component.name), _NAME)
    words = (name, "" if name.startswith(component.role) else component.role, *forms_text(component))
    numbers = component.numbers
    if numbers is None:
        return (*words, *[""] * (len(_HEADS) - _LEFT))
    values = (numbers.min, numbers.max, numbers.mean, numbers.std)
    return (*words, *(_short(v, digits) for v in values), f"{numbers.nan:,}", f"{numbers.posinf + numbers.neginf:,}")


def _short(value: float | None, digits: int) -> str:
    """A number in at most eight letters.

    >>> _short(0.00055234, 4), _short(0.00055234, 3), _short(-1234567.0, 4)
    ('5.523e-4', '5.52e-4', '-1.235e6')
    """
    if value is not None and (0 < abs(value) < 1e-3 or digits < 4):
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        plain = f"{value:.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:.{digits}g}"
        return plain if "e" not in plain and len(plain) <= 6 else f"{mantissa}e{int(exponent)}"
    return short(value)


def _layout(lines: Sequence[Sequence[str]], gap: str) -> _Layout:
    """As wide as the widest cell; a column without a word is left out."""
    columns = tuple(n for n in range(len(_HEADS)) if any(cells[n] for cells in lines))
    return _Layout(columns, tuple(max(len(_HEADS[n]), *(len(cells[n]) for cells in lines)) for n in columns), gap)


def _shrunk(layout: _Layout, width: int) -> _Layout:
    """Narrower where it is too wide."""
    widths = dict(zip(layout.columns, layout.widths, strict=True))
    for column, least in _SHRINK:
        over = sum(widths.values()) + len(layout.gap) * (len(widths) - 1) - width
        if over > 0 and column in widths:
            widths[column] = max(min(least, widths[column]), widths[column] - over)
    return _Layout(layout.columns, tuple(widths.values()), layout.gap)


def _placed(cell: str, wide: int, column: int) -> str:
    align: Callable[[str, int], str] = str.ljust if column < _LEFT else str.rjust
    return align(_cut(cell, wide), wide)


def _cut(text: str, width: int) -> str:
    """The text, or its beginning and `..`."""
    return text if len(text) <= width else f"{text[: width - 2]}.."
