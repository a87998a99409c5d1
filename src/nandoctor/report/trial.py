"""What trials of settings came to, as text: the answer, and a grid of learning rates by optimizers, at 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.text import Text

from nandoctor.findings import Course, Setting, TrialResult, rate_text
from nandoctor.report.terminal import console_on, print_row, print_wrapped
from nandoctor.report.words import count

_COLUMNS = 4
"""Optimizers beside each other; more go into a second grid."""

_RATE, _CELL = 14, 16


@dataclass(frozen=True)
class Grid:
    """The plain settings: rates from the largest down, each with what came of it for each optimizer."""

    optimizers: tuple[tuple[str, bool], ...]
    rates: tuple[float, ...]
    cells: dict[tuple[str, bool, float], Course]

    def parts(self) -> list[Grid]:
        """The grid in pieces that are not too wide."""
        starts = range(0, len(self.optimizers), _COLUMNS)
        return [self._part(self.optimizers[n : n + _COLUMNS]) for n in starts]

    def _part(self, optimizers: tuple[tuple[str, bool], ...]) -> Grid:
        rates = tuple(r for r in self.rates if any((*key, r) in self.cells for key in optimizers))
        return Grid(optimizers, rates, self.cells)


def grid_of(courses: Sequence[Course]) -> Grid:
    """The settings in which only optimizer and rate are other than the script's."""
    plain = [c for c in courses if c.setting.plain]
    return Grid(
        optimizers=tuple(dict.fromkeys((c.setting.optimizer, c.setting.own) for c in plain)),
        rates=tuple(sorted({c.setting.rate for c in plain}, reverse=True)),
        cells={(c.setting.optimizer, c.setting.own, c.setting.rate): c for c in plain},
    )


def cell_text(course: Course) -> str:
    """What came of a setting, in a word and the loss that it reached.

    >>> cell_text(Course(setting=Setting(optimizer="SGD", rate=0.1), outcome="learns", loss=0.000251, change=-0.5))
    'learns 2.51e-4'
    """
    return course.outcome if course.loss is None else f"{course.outcome} {rate_text(course.loss)}"


def _mark(setting: Setting, result: TrialResult) -> str:
    return "*" if setting == result.best else ""


_STYLES = {"learns": "green", "finite": "", "diverges": "red", "error": "red"}


def print_trial(result: TrialResult, stream: TextIO) -> None:
    """Print the answer, the grid, what else was changed, and the notes."""
    console = console_on(stream)
    console.print()
    print_wrapped(console, Text(f"nandoctor: {result.answer}", "bold" if result.best is not None else "bold red"))
    ran = any(course.losses for course in result.courses)
    for part in grid_of(result.courses).parts() if ran else ():
        console.print()
        _print_grid(console, part, result)
    changed = [c for c in result.courses if ran and not c.setting.plain]
    if changed:
        console.print()
    for course in changed:
        words = Text.assemble(
            f"{course.setting.words}: ", (cell_text(course) + _mark(course.setting, result), _STYLES[course.outcome])
        )
        print_row(console, "", words)
    console.print()
    reading = "the number is the mean loss of the last steps" + ("; * learns fastest" if result.best else "")
    for n, line in enumerate((*seen(result), reading)):
        print_row(console, "Seen" if n == 0 else "", Text(line))
    for note in result.notes:
        print_row(console, "Note", Text(note))
    console.print()


def _print_grid(console: Console, grid: Grid, result: TrialResult) -> None:
    heads = [_fitting(name, " (yours)" if own else "") for name, own in grid.optimizers]
    console.print(Text("  " + (f"{'rate':<{_RATE}}" + "".join(f"{head:<{_CELL}}" for head in heads)).rstrip(), "bold"))
    for rate in grid.rates:
        yours = " (yours)" if rate == result.own.rate else ""
        line = Text(f"  {rate_text(rate) + yours:<{_RATE}}")
        for name, own in grid.optimizers:
            course = grid.cells.get((name, own, rate))
            text = "" if course is None else cell_text(course) + _mark(course.setting, result)
            line.append(f"{text:<{_CELL}}", "" if course is None else _STYLES[course.outcome])
        line.rstrip()
        console.print(line)


def _fitting(name: str, more: str) -> str:
    whole = name + more
    return whole if len(whole) < _CELL else name[: _CELL - 1]


def seen(result: TrialResult) -> list[str]:
    """How the trials were made, and what was seen of those that broke at once."""
    batches = "1 batch" if result.batches == 1 else f"{result.batches} batches"
    lines = [
        f"{count(len(result.courses), 'setting')}, each from the state before step {result.step:,}, on {batches} again "
        f"and again for up to {count(result.steps, 'step')}; those that fall behind end sooner ({result.seconds:.0f} s)"
    ]
    own = result.courses[0]
    if own.why is not None:
        lines.append(f"your own setting: {own.why}")
    errors = (
        f"{c.setting.optimizer}: {c.why}" for c in result.courses[1:] if c.outcome == "error" and c.why != own.why
    )
    return lines + list(dict.fromkeys(errors))[:3]
