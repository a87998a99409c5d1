"""What is being done, while it takes its time: one line, and on a terminal the stage and the seconds beneath it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Say = Callable[[str], None]
"""Takes what is being done now."""


def silent(stage: str) -> None:
    """Tell nobody."""


@contextlib.contextmanager
def stages(what: str, stream: TextIO) -> Iterator[Say]:
    """Say what is being done; while inside, the stage that was said last is shown where a terminal can.

    Example:
        >>> import io
        >>> stream = io.StringIO()
        >>> with stages("step 3 is not finite; replaying it ...", stream) as say:
        ...     say("recording each operation")
        >>> stream.getvalue()
        '\\nnandoctor: step 3 is not finite; replaying it ...\\n'
    """
    print(f"\nnandoctor: {what}", file=stream, flush=True)
    if not stream.isatty():
        yield silent
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(file=stream)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task("", total=None)
        yield lambda stage: shown.update(task, description=stage)
