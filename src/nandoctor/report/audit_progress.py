"""How many rows have been read, and how fast: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from nandoctor.report.words import count, printable, shortened


@dataclass(frozen=True, slots=True)
class Reading:
    """Takes how far a reading is; each from any thread.

    Attributes:
        begins: of what, and how many rows it has, where that is known.
        rows: were read, just now.
    """

    begins: Callable[[str, int | None], None] = lambda name, total: None
    rows: Callable[[int], None] = lambda rows: None


@contextlib.contextmanager
def reading(stream: TextIO, *, quiet: bool = False) -> Iterator[Reading]:
    """Show how far a reading is, while inside.

    Example:
        >>> import io
        >>> stream = io.StringIO()
        >>> with reading(stream) as shown:
        ...     shown.begins("train.npz", 60_000)
        ...     shown.rows(1024)
        >>> stream.getvalue()
        ''
    """
    if quiet or not stream.isatty():
        yield Reading()
        return
    bar = BarColumn(bar_width=20)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), bar, _Rows(), TimeRemainingColumn())
    console = Console(file=stream)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task("opening", total=None)
        yield Reading(
            begins=lambda name, total: shown.reset(task, description=shortened(printable(name), 30), total=total),
            rows=lambda rows: shown.advance(task, rows),
        )


class _Rows(ProgressColumn):
    """`12,288 of 60,000 rows, 3,400/s`."""

    def render(self, task: Task) -> Text:
        return Text(rows_line(int(task.completed), None if task.total is None else int(task.total), task.speed))


def rows_line(done: int, total: int | None, speed: float | None) -> str:
    """How far a reading is.

    >>> rows_line(12_288, 60_000, 3400.2), rows_line(1, None, None)
    ('12,288 of 60,000 rows, 3,400/s', '1 row')
    """
    rows = count(done, "row") if total is None else f"{done:,} of {count(total, 'row')}"
    return rows if speed is None else f"{rows}, {speed:,.0f}/s"
